"""Is anything falling behind, and does it matter?"""
