"""The demo: broker, mail server, three services and traffic with real failures, started and ended together."""
