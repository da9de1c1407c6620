"""Runnable comparisons that print ratios."""
