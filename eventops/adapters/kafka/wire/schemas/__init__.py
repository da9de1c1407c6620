"""Kafka's messages that kafka-python doesn't bring yet, each with the fields of the versions that are asked."""
