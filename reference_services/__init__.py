"""Three small, real services and the kit they share."""

__version__ = "1.0.0"
