package letters;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/** Kafka Streams (KIP-1034): a mapper that fails, a value that can't be read, and a punctuator, which has no record. */
public final class StreamsLetters {
  private static final AtomicBoolean PUNCTUATED = new AtomicBoolean();

  public static void main(String[] args) throws Exception {
    Log log = new Log(args[0]);
    log.topics(Map.of(), "streams-orders", "streams-numbers", "streams-letters");
    log.orders("streams-orders");
    log.put("streams-numbers", Log.bytes("k"), Log.bytes("no number"), "e-9");
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream("streams-orders").process(Watch::new).mapValues(StreamsLetters::price);
    builder.stream("streams-numbers", Consumed.with(Serdes.String(), Serdes.Long())).foreach((key, value) -> {});
    try (KafkaStreams streams = new KafkaStreams(builder.build(), config(args[0]))) {
      streams.start();
      log.await("streams-letters", 5);
    }
    System.exit(0);
  }

  static String price(String order) {
    return String.valueOf(Integer.parseInt(order));
  }

  private static Properties config(String servers) {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, "pricing");
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    config.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir") + "/streams-" + ProcessHandle.current().pid());
    config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueProcessingExceptionHandler.class);
    config.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
    config.put(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, "streams-letters");
    config.put("auto.offset.reset", "earliest");
    return config;
  }

  /** Passes records on; its clock fails once. */
  static final class Watch implements Processor<String, String, String, String> {
    private ProcessorContext<String, String> context;

    @Override
    public void init(ProcessorContext<String, String> context) {
      this.context = context;
      context.schedule(Duration.ofMillis(100), PunctuationType.WALL_CLOCK_TIME, now -> tick());
    }

    private void tick() {
      if (PUNCTUATED.compareAndSet(false, true)) throw new IllegalStateException("the clock stood still");
    }

    @Override
    public void process(Record<String, String> record) {
      context.forward(record);
    }
  }
}
