"""Callers of the office's services: their keys, what they may do, how often. One key is good for all services."""
