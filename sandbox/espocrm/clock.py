"""The sandbox's time: the machine's, or one that the control API has set. UTC, to the second, as EspoCRM has it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sandbox.clocks import ShiftedClock

FORMAT = "%Y-%m-%d %H:%M:%S"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """`set` freezes it, `set(None)` lets it run again; `running` may be ahead or behind."""

    def __init__(self) -> None:
        self._frozen: datetime | None = None
        self.running = ShiftedClock(_utc_now)

    def set(self, text: str | None) -> None:
        """Freeze at 'YYYY-MM-DD HH:MM:SS' UTC, or run."""
        self._frozen = None if text is None else datetime.strptime(text, FORMAT).replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return self._frozen or self.running()

    def stamp(self) -> str:
        """The time as EspoCRM writes it."""
        return self.now().strftime(FORMAT)

    @staticmethod
    def monotonic() -> float:
        """Seconds for intervals; not frozen."""
        return time.monotonic()
