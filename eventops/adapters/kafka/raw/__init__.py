"""Searching record batches as they travel: fetched over sockets of our own, decompressed, and never decoded."""
