"""Requests become events, events become decisions, decisions are saved. Speaks ports only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from synckit.errors import InvalidEvent, PermanentError, TransientError
from synckit.events import ChangeEvent, encode
from synckit.handling import Attempt, Done
from synckit.ports import Clock, Publisher
from ticketing.domain import ACTIONS, Ticket, decide

DOMAIN, NOUN = "tickets", "ticket"


class Tickets(Protocol):
    """Where tickets are kept. RemoteUnavailable where it is away."""

    async def add(self, title: str, within: timedelta) -> Ticket: ...

    async def load(self, ticket_id: str) -> tuple[Ticket, datetime] | None:
        """The ticket, and the time there: that clock decides, not ours."""

    async def save(self, ticket: Ticket) -> None:
        """StaleVersion where somebody wrote since it was loaded."""

    async def newest(self, state: str | None) -> Sequence[Ticket]: ...

    async def overdue(self) -> Sequence[str]:
        """Ids of those that nobody has triaged in time."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Puts actions on the topic: a key is a ticket, so nobody else changes it meanwhile."""

    publisher: Publisher
    topic: str
    clock: Clock

    async def ask(self, ticket_id: str, action: str, origin: str) -> None:
        """Returns when the broker has it. RemoteUnavailable where it has not."""
        event = ChangeEvent(NOUN, ticket_id, action, origin, self.clock.now(), domain=DOMAIN)
        await self.publisher.publish(self.topic, [encode(event)])


def accepts(event: ChangeEvent) -> None:
    """InvalidEvent where it is no event of a ticket: it becomes a dead letter."""
    if (event.domain, event.entity) != (DOMAIN, NOUN) or event.action not in ACTIONS:
        raise InvalidEvent("no action of a ticket")


@dataclass(frozen=True, slots=True)
class TicketHandler:
    """`synckit.handling.EventHandler`: safe to run twice, as `decide` sees what is done."""

    tickets: Tickets

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Done:
        found = await self.tickets.load(event.entity_id)
        changed = decide(found[0], event.action, event.origin, found[1]) if found else None
        if changed is None:
            return Done("nothing_to_do")
        await self.tickets.save(changed)
        return Done("written")

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """There is nowhere to park a ticket: its key waits for as long as it takes, others go on."""
        raise error

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """Nobody here refuses anything for good: it would be a bug, and is held as one."""
        raise error
