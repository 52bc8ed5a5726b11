"""The only room with a lease: each step is carried out here, and what came of it is handed back as new facts."""

from recordsync.act.actor import Actor

__all__ = ["Actor"]
