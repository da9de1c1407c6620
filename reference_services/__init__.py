"""Three small, real services and the kit they share."""
