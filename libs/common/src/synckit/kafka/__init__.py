"""Topics as declared, records published and read."""
