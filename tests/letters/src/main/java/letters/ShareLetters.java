package letters;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Share groups (KIP-1191): the broker's own letters, of records that were rejected and of one released too often. */
public final class ShareLetters {
  public static void main(String[] args) throws Exception {
    Log log = new Log(args[0]);
    log.topics(Map.of(), "share-orders");
    log.topics(Map.of("errors.deadletterqueue.group.enable", "true"), "dlq.share-letters");
    log.orders("share-orders");
    Map<String, Object> config = Map.of("bootstrap.servers", args[0], "group.id", "packing", "share.acknowledgement.mode", "explicit");
    try (Admin admin = Admin.create(config)) {
      var group = new ConfigResource(ConfigResource.Type.GROUP, "packing");
      admin.incrementalAlterConfigs(Map.of(group, List.of(
          set("share.auto.offset.reset", "earliest"), set("errors.deadletterqueue.topic.name", "dlq.share-letters")))).all().get();
    }
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    int gone = 0;
    try (var consumer = new KafkaShareConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of("share-orders"));
      while (gone < 3 && System.nanoTime() < deadline) {
        for (var record : consumer.poll(Duration.ofMillis(500))) {
          boolean rejected = record.offset() != 1;
          consumer.acknowledge(record, rejected ? AcknowledgeType.REJECT : AcknowledgeType.RELEASE);
          gone += rejected || record.deliveryCount().orElse((short) 0) >= 5 ? 1 : 0;
        }
        consumer.commitSync();
      }
    }
    log.await("dlq.share-letters", 3);
    System.exit(0);
  }

  private static AlterConfigOp set(String name, String value) {
    return new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
  }
}
