"""The reference services."""
