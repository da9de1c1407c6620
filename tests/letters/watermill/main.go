// Command watermill has Watermill's poison queue write letters: a handler that always fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
)

const (
	source = "watermill-orders"
	poison = "watermill-poison-queue"
	number = 3
)

func main() {
	if err := run([]string{os.Args[1]}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(brokers []string) error {
	logger := watermill.NopLogger{}
	publisher, err := kafka.NewPublisher(kafka.PublisherConfig{Brokers: brokers, Marshaler: kafka.DefaultMarshaler{}}, logger)
	if err != nil {
		return err
	}
	defer publisher.Close()
	for n := 1; n <= number; n++ {
		body := fmt.Sprintf(`{"eventId":"e-%d","eventType":"order.placed","metadata":{"correlationId":"req-%d"}}`, n, n)
		if err := publisher.Publish(source, message.NewMessage(watermill.NewUUID(), []byte(body))); err != nil {
			return err
		}
	}
	return letters(brokers, publisher, logger)
}

// letters runs a router whose handler fails, until each of its messages was put into the poison queue.
func letters(brokers []string, publisher message.Publisher, logger watermill.LoggerAdapter) error {
	config := kafka.DefaultSaramaSubscriberConfig()
	config.Consumer.Offsets.Initial = -2
	subscriber, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: brokers, Unmarshaler: kafka.DefaultMarshaler{}, ConsumerGroup: "watermill-billing", OverwriteSaramaConfig: config,
	}, logger)
	if err != nil {
		return err
	}
	router, err := message.NewRouter(message.RouterConfig{}, logger)
	if err != nil {
		return err
	}
	queue, err := middleware.PoisonQueue(publisher, poison)
	if err != nil {
		return err
	}
	retry := middleware.Retry{MaxRetries: 2, InitialInterval: 10 * time.Millisecond, Logger: logger}
	router.AddMiddleware(queue, retry.Middleware)
	failed := make(map[string]bool)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	router.AddNoPublisherHandler("bill_order", source, subscriber, func(msg *message.Message) error {
		failed[msg.UUID] = true
		if len(failed) > number { // the marker below: what came before it was put away
			stop()
			return nil
		}
		return fmt.Errorf("bill order %d: %w", 4710+len(failed), errors.New("card 4000-0000 declined by 10.1.2.3:443"))
	})
	go func() {
		<-router.Running()
		_ = publisher.Publish(source, message.NewMessage(watermill.NewUUID(), []byte("{}")))
	}()
	return router.Run(ctx)
}
