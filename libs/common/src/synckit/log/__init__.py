"""Log lines: their form, what may stand in them, and how they are written."""
