"""Fakes of this office's systems."""
