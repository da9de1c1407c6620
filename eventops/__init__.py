"""eventops: the operations console for event-driven systems."""
