package letters;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.se.SeContainerInitializer;
import java.util.Map;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** SmallRye Reactive Messaging: a dead-letter queue, a letter that fails again, and retry topics. */
@ApplicationScoped
public class SmallRyeLetters {
  public static void main(String[] args) throws Exception {
    Log log = new Log(args[0]);
    log.topics(Map.of(), "smallrye-orders", "dead-letter-topic-orders", "dead-letter-topic-again");
    log.topics(Map.of(), "smallrye-retries", "smallrye-retries_retry_200", "smallrye-retries_retry_400", "dead-letter-topic-retries");
    log.orders("smallrye-orders");
    log.orders("smallrye-retries");
    channel(args[0], "orders", "smallrye-orders", Map.of("failure-strategy", "dead-letter-queue"));
    channel(args[0], "again", "dead-letter-topic-orders", Map.of("failure-strategy", "dead-letter-queue"));
    channel(args[0], "retries", "smallrye-retries", Map.of(
        "failure-strategy", "delayed-retry-topic",
        "delayed-retry-topic.topics", "smallrye-retries_retry_200,smallrye-retries_retry_400",
        "dead-letter-queue.topic", "dead-letter-topic-retries"));
    try (var container = SeContainerInitializer.newInstance().initialize()) {
      log.await("dead-letter-topic-again", 3);
      log.await("dead-letter-topic-retries", 3);
    }
    System.exit(0);
  }

  private static void channel(String servers, String name, String topic, Map<String, String> more) {
    var config = new java.util.HashMap<>(Map.of(
        "connector", "smallrye-kafka", "topic", topic, "bootstrap.servers", servers, "group.id", "smallrye-" + name,
        "auto.offset.reset", "earliest", "value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"));
    config.putAll(more);
    config.forEach((key, value) -> System.setProperty("mp.messaging.incoming." + name + "." + key, value));
  }

  /** Fails by what it returns; the methods below are called by reflection, which is all that their letters tell. */
  @Incoming("orders")
  public Uni<Void> bill(String order) {
    return Uni.createFrom().voidItem().invoke(() -> SpringLetters.reserve(order));
  }

  @Incoming("again")
  public void billAgain(String order) {
    throw new IllegalArgumentException("still no stock at 10.1.2.3:9092");
  }

  @Incoming("retries")
  public void ship(String order) {
    SpringLetters.reserve(order);
  }
}
