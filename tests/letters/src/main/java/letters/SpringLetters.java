package letters;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.IntegerDeserializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.BackOff;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.support.serializer.DelegatingByTypeSerializer;
import org.springframework.kafka.support.serializer.ErrorHandlingDeserializer;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.util.backoff.FixedBackOff;

/** Spring Kafka: the recoverer once and twice, a key that can't be read, and retryable topics. */
@Configuration
@EnableKafkaRetryTopic
public class SpringLetters {
  private static String servers;

  public static void main(String[] args) throws Exception {
    servers = args[0];
    Log log = new Log(servers);
    log.topics(Map.of(), "spring-orders", "spring-orders-dlt", "spring-orders-dlt-dlt", "spring-keys", "spring-keys-dlt");
    log.topics(Map.of(), "spring-retries");
    log.orders("spring-orders");
    log.orders("spring-retries");
    log.put("spring-keys", Log.bytes("three"), Log.bytes("{}"), "e-9");
    try (var context = new AnnotationConfigApplicationContext(SpringLetters.class)) {
      log.await("spring-orders-dlt-dlt", 3);
      log.await("spring-keys-dlt", 1);
      log.await("spring-retries-dlt", 3);
    }
    System.exit(0);
  }

  static void reserve(String order) {
    try {
      Stock.take(order);
    } catch (ArithmeticException cause) {
      throw new IllegalStateException("order " + order.hashCode() + " can't be reserved", cause);
    }
  }

  static final class Stock {
    static int take(String order) {
      return order.length() / (order.length() - order.length());
    }
  }

  @KafkaListener(topics = "spring-orders", groupId = "billing")
  public void bill(String order) {
    reserve(order);
  }

  @KafkaListener(topics = "spring-orders-dlt", groupId = "billing-again")
  public void billAgain(String order) {
    throw new IllegalArgumentException("still no stock for 7f9c24e8-3b1a-4f6e-9d2c-0a1b2c3d4e5f at 10.1.2.3:9092");
  }

  @KafkaListener(topics = "spring-keys", groupId = "keys", properties = "key.deserializer=" + EHD)
  public void keyed(String order) {}

  private static final String EHD = "org.springframework.kafka.support.serializer.ErrorHandlingDeserializer";

  @RetryableTopic(attempts = "3", backOff = @BackOff(delay = 200, multiplier = 2), kafkaTemplate = "template")
  @KafkaListener(topics = "spring-retries", groupId = "shipping")
  public void ship(String order) {
    reserve(order);
  }

  @Bean
  KafkaTemplate<Object, Object> template() {
    var byType = new DelegatingByTypeSerializer(
        Map.of(byte[].class, new ByteArraySerializer(), String.class, new StringSerializer(), Integer.class, new IntegerSerializer()));
    Map<String, Object> config = Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    return new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(config, byType, byType));
  }

  @Bean
  ConcurrentKafkaListenerContainerFactory<Object, Object> kafkaListenerContainerFactory() {
    Map<String, Object> config = new HashMap<>();
    config.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
    config.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
    config.put(ErrorHandlingDeserializer.KEY_DESERIALIZER_CLASS, IntegerDeserializer.class);
    var factory = new ConcurrentKafkaListenerContainerFactory<Object, Object>();
    factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(config));
    factory.getContainerProperties().setDeliveryAttemptHeader(true);
    factory.setCommonErrorHandler(
        new DefaultErrorHandler(new DeadLetterPublishingRecoverer(template()), new FixedBackOff(0, 2)));
    return factory;
  }

  @Bean
  KafkaAdmin admin() {
    return new KafkaAdmin(Map.of("bootstrap.servers", servers));
  }

  @Bean
  TaskScheduler scheduler() {
    return new ThreadPoolTaskScheduler();
  }
}
