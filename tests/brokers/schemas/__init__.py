"""Messages that only tests send: a streams member's heartbeats (KIP-1071)."""
