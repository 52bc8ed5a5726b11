"""What Prometheus scrapes and when it wakes a person, and the command that checks it."""
