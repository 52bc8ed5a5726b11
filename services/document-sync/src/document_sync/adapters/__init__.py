"""Ports on the real systems."""
