"""What only this service reads from outside."""
