"""What looks are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from document_sync.ports import Calls, Collections, Files, Office, Spool, Store
from synckit.ports import Clock, Locks

STILL_COMING = timedelta(minutes=5)
"""A request whose answer was lost may arrive for so long: longer than any call may take."""
AGAIN_SECONDS = 1.0
"""Between two readings of what would lose something."""
MAX_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Cause:
    """What a look comes from: the id of its event."""

    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """Ports, and what the office has settled. `dry`: nothing is written anywhere, the plan is shown.

    `observe` hears of each step by its word.
    """

    store: Store
    office: Office
    files: Files
    collections: Collections
    spool: Spool
    calls: Calls
    locks: Locks
    clock: Clock
    dry: bool = True
    observe: Callable[[str], None] = lambda _step: None


def word_of(step: object) -> str:
    """`Attach` → `attach`, `FindUpload` → `find_upload`: for logs, metrics and a plan that is shown."""
    name = type(step).__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def backoff(tries: int) -> timedelta:
    """Until a document or record that gave up is looked at again: a minute, then twice as long, at most six hours."""
    return min(timedelta(minutes=2 ** min(tries, 10)), timedelta(hours=6))
