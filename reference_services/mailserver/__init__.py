"""A mail server for demonstrations and tests: keeps what it gets, refuses whom it is told to, is away when told to."""
