"""The one HTTP client of all services: `send` for JSON, `stream` for what is too large to hold."""
