"""What the three services share: envelope, tracing, retry, dead letters, outbox, runner."""
