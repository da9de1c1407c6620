"""The regions of the screens, a widget each."""
