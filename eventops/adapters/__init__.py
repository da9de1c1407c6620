"""The brokers and stores of the outside world, behind the ports."""
