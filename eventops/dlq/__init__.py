"""What failed, why, and can it safely be put back?"""
