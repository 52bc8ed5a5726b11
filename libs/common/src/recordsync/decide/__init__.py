"""What is to be done next about one record, told from what is remembered and what was seen. Pure and total."""

from recordsync.decide.record import decide

__all__ = ["decide"]
