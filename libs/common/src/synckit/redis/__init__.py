"""What is kept in Redis: shared by all replicas, and lost without harm."""
