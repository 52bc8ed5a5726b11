"""beteiligte-sync."""
