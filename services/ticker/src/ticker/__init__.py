"""ticker."""
