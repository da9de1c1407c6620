package letters;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Spring Cloud Stream: a letter in error.DESTINATION.GROUP, and one in a topic of its own that fails again. */
@Configuration
@EnableAutoConfiguration
public class BinderLetters {
  private static final byte[] TRACEPARENT = bytes("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

  public static void main(String[] args) throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", args[0]);
    String[] topics = {"binder.orders", "error.binder.orders.billing", "binder-letters"};
    try (Admin admin = Admin.create(config)) {
      admin.createTopics(List.of(topics).stream().map(name -> new NewTopic(name, 1, (short) 1)).toList()).all().get();
      orders(config);
      var application = new SpringApplication(BinderLetters.class);
      application.setDefaultProperties(Map.ofEntries(
          Map.entry("spring.main.web-application-type", "none"),
          Map.entry("spring.cloud.function.definition", "bill;billAgain"),
          Map.entry("spring.cloud.stream.kafka.binder.brokers", args[0]),
          Map.entry("spring.cloud.stream.bindings.bill-in-0.destination", topics[0]),
          Map.entry("spring.cloud.stream.bindings.bill-in-0.group", "billing"),
          Map.entry("spring.cloud.stream.bindings.bill-in-0.consumer.back-off-initial-interval", "50"),
          Map.entry("spring.cloud.stream.kafka.bindings.bill-in-0.consumer.enable-dlq", "true"),
          Map.entry("spring.cloud.stream.bindings.billAgain-in-0.destination", topics[1]),
          Map.entry("spring.cloud.stream.bindings.billAgain-in-0.group", "billing-again"),
          Map.entry("spring.cloud.stream.bindings.billAgain-in-0.consumer.max-attempts", "1"),
          Map.entry("spring.cloud.stream.kafka.bindings.billAgain-in-0.consumer.enable-dlq", "true"),
          Map.entry("spring.cloud.stream.kafka.bindings.billAgain-in-0.consumer.dlq-name", topics[2])));
      var context = application.run();
      await(admin, topics[1]);
      await(admin, topics[2]);
      context.close();
    }
    System.exit(0);
  }

  @Bean
  public Consumer<String> bill() {
    return BinderLetters::reserve;
  }

  @Bean
  public Consumer<String> billAgain() {
    return order -> {
      throw new IllegalArgumentException("still no stock at 10.1.2.3:9092");
    };
  }

  static void reserve(String order) {
    try {
      throw new ArithmeticException("/ by zero");
    } catch (ArithmeticException why) {
      throw new IllegalStateException("order " + (order.hashCode() & 0xffff) + " can't be reserved", why);
    }
  }

  private static void orders(Map<String, Object> config) {
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int number = 1; number <= 3; number++) {
        String body = "{\"eventId\":\"e-" + number + "\",\"eventType\":\"order.placed\",\"quantity\":" + number + "}";
        var record = new ProducerRecord<>("binder.orders", bytes("order-" + number), bytes(body));
        record.headers().add("ce_specversion", bytes("1.0")).add("ce_id", bytes("e-" + number));
        record.headers().add("ce_type", bytes("order.placed")).add("traceparent", TRACEPARENT);
        record.headers().add("x-original-url", bytes("/orders/" + number));
        producer.send(record);
      }
    }
  }

  private static void await(Admin admin, String topic) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    var home = new TopicPartition(topic, 0);
    while (admin.listOffsets(Map.of(home, OffsetSpec.latest())).partitionResult(home).get().offset() < 3) {
      if (System.nanoTime() > deadline) throw new IllegalStateException(topic + " doesn't hold three letters");
      Thread.sleep(50);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
