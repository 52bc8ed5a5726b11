"""One module a dashboard; each has its `BOARD`."""
