"""The one HTTP client: limits, one-send-only writes, circuit, latch for refused credentials."""
