package letters;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What the programs share: topics of one partition, records to fail on, and waiting for letters. */
final class Log {
  static final byte[] TRACEPARENT = bytes("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  private final Map<String, Object> config;

  Log(String servers) {
    this.config = Map.of("bootstrap.servers", servers);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  void topics(Map<String, String> settings, String... names) throws Exception {
    try (Admin admin = Admin.create(config)) {
      List<NewTopic> wanted = new ArrayList<>();
      for (String name : names) wanted.add(new NewTopic(name, 1, (short) 1).configs(settings));
      try {
        admin.createTopics(wanted).all().get();
      } catch (java.util.concurrent.ExecutionException failed) {
        if (!(failed.getCause() instanceof TopicExistsException)) throw failed;
      }
    }
  }

  /** Events of three orders, as CloudEvents in binary mode. */
  void orders(String topic) {
    for (int number = 1; number <= 3; number++) {
      String body = "{\"eventId\":\"e-" + number + "\",\"eventType\":\"order.placed\",\"quantity\":" + number + "}";
      put(topic, bytes("order-" + number), bytes(body), "e-" + number);
    }
  }

  void put(String topic, byte[] key, byte[] value, String id) {
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      var record = new ProducerRecord<>(topic, key, value);
      record.headers().add("ce_specversion", bytes("1.0")).add("ce_id", bytes(id)).add("ce_type", bytes("order.placed"));
      record.headers().add("traceparent", TRACEPARENT);
      producer.send(record);
    }
  }

  /** Waits until the topic holds that many records. */
  void await(String topic, long count) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    var home = new TopicPartition(topic, 0);
    try (Admin admin = Admin.create(config)) {
      while (true) {
        long end = -1;
        try {
          end = admin.listOffsets(Map.of(home, OffsetSpec.latest())).partitionResult(home).get().offset();
        } catch (java.util.concurrent.ExecutionException notYet) {
          // the topic is made by the framework
        }
        if (end >= count) return;
        if (System.nanoTime() > deadline) throw new IllegalStateException(topic + " holds " + end + " of " + count);
        Thread.sleep(50);
      }
    }
  }
}
