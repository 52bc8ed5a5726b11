"""Our schema's steps: `python -m synckit.postgres.migrate apply` finds them by this name."""

SCHEMA = "ticketing"
