"""notification-service: tells people by mail."""
