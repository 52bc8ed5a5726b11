"""How far a long run is, as people read it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from calendar_sync.domain.local_time import as_wall


@dataclass(frozen=True, slots=True)
class Progress:
    """Writes that are `done` and `to_do`. `ends_at`: when all will be done at this pace; None: nobody can tell."""

    done: int
    to_do: int
    ends_at: datetime | None

    @property
    def counts(self) -> dict[str, int]:
        return {"done": self.done, "to_do": self.to_do}

    @property
    def reason(self) -> str:
        """German, for whoever asked for the run."""
        told = f"{self.done} von {self.done + self.to_do} Schreibvorgängen"
        return f"{told}, fertig gegen {as_wall(self.ends_at):%d.%m. %H:%M} Uhr" if self.ends_at else told


def progress(done: int, to_do: int, seconds: float, now: datetime) -> Progress:
    """`seconds`: what it took so far."""
    return Progress(done, to_do, now + timedelta(seconds=seconds / done * to_do) if done else None)
