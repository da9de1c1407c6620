package letters;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.cli.ConnectStandalone;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.transforms.Transformation;

/** Kafka Connect: sinks that fail to convert, to transform and to put, with context headers and (the default) without. */
public final class ConnectLetters {
  public static void main(String[] args) throws Exception {
    Log log = new Log(args[0]);
    log.topics(Map.of(), "connect-orders", "connect-broken", "connect-letters", "connect-bare-letters");
    log.orders("connect-orders");
    log.put("connect-broken", Log.bytes("k"), Log.bytes("{no json"), "e-9");
    Path directory = Files.createTempDirectory("connect");
    Path worker = properties(directory, "worker", "bootstrap.servers=" + args[0],
        "key.converter=org.apache.kafka.connect.storage.StringConverter", "value.converter=org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable=false", "offset.storage.file.filename=" + directory.resolve("offsets"),
        "plugin.discovery=only_scan", "listeners=HTTP://127.0.0.1:0", "offset.flush.interval.ms=1000");
    Path puts = sink(directory, "puts", "connect-orders", "connect-letters", true);
    Path broken = sink(directory, "broken", "connect-broken", "connect-letters", true);
    Path transformed = sink(directory, "transformed", "connect-orders", "connect-letters", true, "transforms=t",
        "transforms.t.type=letters.ConnectLetters$Failing");
    Path bare = sink(directory, "bare", "connect-broken", "connect-bare-letters", false);
    Thread connect = new Thread(() -> ConnectStandalone.main(
        new String[] {worker.toString(), puts.toString(), broken.toString(), transformed.toString(), bare.toString()}));
    connect.setDaemon(true);
    connect.start();
    log.await("connect-letters", 7);
    log.await("connect-bare-letters", 1);
    Runtime.getRuntime().halt(0);
  }

  private static Path sink(Path directory, String name, String topic, String letters, boolean withContext, String... more)
      throws Exception {
    String[] all = new String[more.length + 9];
    String[] base = {"name=" + name, "connector.class=letters.ConnectLetters$Sink", "tasks.max=1", "topics=" + topic,
        "errors.tolerance=all", "errors.deadletterqueue.topic.name=" + letters, "errors.deadletterqueue.topic.replication.factor=1",
        "errors.deadletterqueue.context.headers.enable=" + withContext, "consumer.override.auto.offset.reset=earliest"};
    System.arraycopy(base, 0, all, 0, 9);
    System.arraycopy(more, 0, all, 9, more.length);
    return properties(directory, name, all);
  }

  private static Path properties(Path directory, String name, String... lines) throws Exception {
    return Files.write(directory.resolve(name + ".properties"), List.of(lines));
  }

  /** Puts nothing anywhere: every record is reported, the second without a message. */
  public static final class Sink extends SinkConnector {
    private Map<String, String> config;

    @Override
    public void start(Map<String, String> config) {
      this.config = config;
    }

    @Override
    public Class<? extends Task> taskClass() {
      return Put.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int most) {
      return List.of(config);
    }

    @Override
    public void stop() {}

    @Override
    public ConfigDef config() {
      return new ConfigDef();
    }

    @Override
    public String version() {
      return "1";
    }
  }

  public static final class Put extends SinkTask {
    @Override
    public void start(Map<String, String> config) {}

    @Override
    public void put(Collection<SinkRecord> records) {
      for (SinkRecord record : records) {
        boolean silent = record.kafkaOffset() == 1;
        context.errantRecordReporter().report(record, silent ? new IllegalStateException() : refused(record));
      }
    }

    private static Exception refused(SinkRecord record) {
      var cause = new java.sql.SQLIntegrityConstraintViolationException("duplicate key 4711" + record.kafkaOffset());
      return new org.apache.kafka.connect.errors.ConnectException("the row wasn't written", cause);
    }

    @Override
    public void stop() {}

    @Override
    public String version() {
      return "1";
    }
  }

  public static final class Failing implements Transformation<SinkRecord> {
    @Override
    public SinkRecord apply(SinkRecord record) {
      throw new ClassCastException("quantity " + record.kafkaOffset() + " is no text");
    }

    @Override
    public ConfigDef config() {
      return new ConfigDef();
    }

    @Override
    public void close() {}

    @Override
    public void configure(Map<String, ?> config) {}
  }
}
