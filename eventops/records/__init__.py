"""What stands in the log? Single records, and those that come."""
