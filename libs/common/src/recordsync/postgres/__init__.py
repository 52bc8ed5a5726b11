"""The memory of records in PostgreSQL: links, journal, what is parked, brake and sweeps."""
