"""What a service's handler and the worker say to each other: an event goes in, an outcome or an error comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from synckit.errors import PermanentError, TransientError
from synckit.events import ChangeEvent


@dataclass(frozen=True, slots=True)
class Done:
    """The event is dealt with. `result` is a stable word for logs and metrics: `written`, `nothing_to_do`, …"""

    result: str


Outcome = Done
"""Everything else that can happen is an exception of `synckit.errors`."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try this is. `number` counts from 1, `first_started` is the clock's monotonic time of the first try.

    `events` are all events that this run completes, oldest first; the handler's `event` is the newest one with
    the changed names of all. `headers` are those of the newest record.
    """

    number: int
    first_started: float
    events: tuple[ChangeEvent, ...]
    headers: tuple[tuple[str, bytes], ...] = ()


class EventHandler(Protocol):
    """One event in, one outcome out. Runs of one key never overlap in a worker; it must be safe to run twice."""

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        """TransientError is tried again in place, PermanentError goes to `refused`, InvalidEvent is a dead letter."""

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """The in-place budget is spent: park the record. Where this fails, both are tried again until it works."""

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """Trying again makes no sense: say so in the record's state. TransientError here is tried again."""
