"""What happened to this request: the chain of events it caused, and what each consumer group did with them."""
