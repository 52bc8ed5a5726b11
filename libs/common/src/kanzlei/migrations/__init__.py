"""What belongs to the office and to no service of it: the keys of its callers."""

SCHEMA = "office"
NEEDS = "public"
