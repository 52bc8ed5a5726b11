"""What goes out: database, Redis, Advoware."""
