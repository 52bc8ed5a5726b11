"""synckit: what every service is made of: events, reconciling, a worker, and the edges. Knows no system and no noun."""

VERSION = "2026.12"
"""Of all that is shipped together; the newest one in CHANGELOG.md."""
