"""The plain ways that ours is compared with."""
