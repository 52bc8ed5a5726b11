"""What belongs to the office and to no service of it: its callers' keys, and what people did about dead letters."""

SCHEMA = "office"
NEEDS = "public"
