"""The terminal dashboard: one screen a file."""
