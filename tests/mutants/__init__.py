"""Defects put into a copy of the code by machine, and whether the quick tests notice (ADR 18)."""
