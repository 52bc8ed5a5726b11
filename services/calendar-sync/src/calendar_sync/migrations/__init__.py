"""Tables of calendar-sync, in a schema of their own."""

SCHEMA = "calendar_sync"
