"""Traffic as customers make it, with the failures that real systems see."""
