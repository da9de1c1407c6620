"""A second client, kafka-python, for what librdkafka can't: many groups a request, every kind of group, and a deadline
a broker. It only reads. See docs/decisions/0010."""
