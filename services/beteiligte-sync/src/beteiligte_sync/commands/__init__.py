"""What the commands at a terminal are made of: which record is meant, and what they work with."""
