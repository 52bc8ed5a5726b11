"""What only the ticker asks of the remotes: lists."""
