"""Fakes and contract suites of the memory and the remotes."""
