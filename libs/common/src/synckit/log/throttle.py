"""Libraries that say the same sentence again and again: one line a minute and kind, and how many were left out.

While a broker is away aiokafka has some thousand errors an hour, all the same; ours would not be found among them.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import Any, Protocol

TALKATIVE = ("aiokafka", "faust", "kafka", "mode", "synckit.faust")
"""Loggers of libraries below these names are counted; mode names loggers by our subclass's module."""
WINDOW_SECONDS = 60.0
MOST_KINDS = 500
_NUMBERS = re.compile(r"\w*\d[\w.:-]*")
Kind = tuple[str, int, str]


class _Seen:
    """One kind: when a line of it was last shown, how many were left out since, and the last of these."""

    __slots__ = ("last", "shown_at", "suppressed")

    def __init__(self, shown_at: float) -> None:
        self.shown_at = shown_at
        self.suppressed = 0
        self.last: logging.LogRecord | None = None


class Stream(Protocol):
    """What a record is written to: whole, with its end, then flushed."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class ThrottledHandler(logging.StreamHandler[Any]):
    """Writes all records but for what a talkative library repeats within a minute.

    A shown record has `suppressed`, the number left out before it. What is left out at last is told by `tell_due`,
    which our own lines call, and by `close`. `now` is in seconds and never goes back.
    """

    def __init__(self, stream: Stream, now: Callable[[], float]) -> None:
        super().__init__(stream)
        self._now = now
        self._kinds: dict[Kind, _Seen] = {}
        self._due_at: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if not _is_talkative(record):
            self.tell_due()
            super().emit(record)
            return
        now, kind = self._now(), self._kind(record)
        seen = self._kinds.get(kind)
        if seen is None or now - seen.shown_at >= WINDOW_SECONDS:
            record.suppressed = seen.suppressed if seen else 0
            self._kinds[kind] = _Seen(now)
            super().emit(record)
            return
        seen.suppressed += 1
        seen.last = record
        due = seen.shown_at + WINDOW_SECONDS
        self._due_at = due if self._due_at is None else min(self._due_at, due)

    def tell_due(self) -> None:
        """Tells how many were left out of the kinds whose minute is over. Cheap where there are none."""
        if self._due_at is not None and self._now() >= self._due_at:
            self._tell(self._now())

    def close(self) -> None:
        self._tell(float("inf"))
        super().close()

    def _tell(self, until: float) -> None:
        with self.lock or threading.RLock():
            now, waiting = self._now(), []
            for kind, seen in list(self._kinds.items()):
                if seen.last is None or until - seen.shown_at < WINDOW_SECONDS:
                    if seen.last is not None:
                        waiting.append(seen.shown_at + WINDOW_SECONDS)
                    continue
                seen.last.suppressed = seen.suppressed - 1  # it is shown itself
                super().emit(seen.last)
                self._kinds[kind] = _Seen(now)
            self._due_at = min(waiting, default=None)

    def _kind(self, record: logging.LogRecord) -> Kind:
        words = _NUMBERS.sub("#", str(record.msg))[:120]
        kind = (record.name, record.levelno, words)
        if kind in self._kinds or len(self._kinds) < MOST_KINDS:
            return kind
        return (record.name, record.levelno, "")


def _is_talkative(record: logging.LogRecord) -> bool:
    if record.levelno < logging.WARNING:
        return False
    return any(record.name == name or record.name.startswith(f"{name}.") for name in TALKATIVE)
