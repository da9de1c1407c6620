"""user-service: who is registered."""
