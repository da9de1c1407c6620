"""order-service: orders as streams of events, and the loyalty points they earn."""
