"""Tickets with a time by which somebody has to look at them: the example of docs/adding-a-service.md."""
