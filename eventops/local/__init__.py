"""A real Apache Kafka on this machine: provisioned, started, supervised, ended."""
