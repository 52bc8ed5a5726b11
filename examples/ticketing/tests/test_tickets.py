"""What is decided about tickets, and that HTTP and events come to it: on a store and a topic in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from synckit.errors import InvalidEvent, RemoteUnavailable
from synckit.events import Record, decode
from synckit.handling import Attempt
from synckit.testing.clock import FakeClock
from ticketing.domain import ACTIONS, DESK, TIMER, Ticket, decide
from ticketing.handlers import Asking, TicketHandler, accepts
from ticketing.routes import TicketRoutes, problems

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NEW = Ticket("a1", "Drucker", "new", NOW, NOW + timedelta(hours=24), 1, ())


@pytest.mark.parametrize(
    ("state", "action", "origin", "hours", "then"),
    [
        ("new", "triage", DESK, 0, "triaged"),
        ("triaged", "triage", DESK, 0, None),
        ("triaged", "escalate", DESK, 0, "escalated"),
        ("escalated", "escalate", DESK, 0, None),
        ("new", "escalate", TIMER, 23, None),
        ("new", "escalate", TIMER, 24, "escalated"),
        ("triaged", "escalate", TIMER, 25, None),
        ("escalated", "notify", DESK, 0, "escalated"),
        ("new", "close", DESK, 0, None),
    ],
)
def test_what_an_action_makes_of_a_ticket(state: str, action: str, origin: str, hours: int, then: str | None) -> None:
    changed = decide(replace(NEW, state=state), action, origin, NOW + timedelta(hours=hours))
    assert (changed and changed.state) == then


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from((DESK, TIMER)), st.integers(0, 48)), max_size=6))
def test_an_action_asked_for_twice_is_done_once(asked: list[tuple[str, str, int]]) -> None:
    ticket = NEW
    for action, origin, hours in asked:
        changed = decide(ticket, action, origin, NOW + timedelta(hours=hours))
        if changed is not None:
            assert changed.version == ticket.version + 1 == len(changed.history) + 1
            assert decide(changed, action, origin, NOW + timedelta(hours=hours)) is None
            ticket = changed


class Shelf:
    """`handlers.Tickets` and `synckit.ports.Publisher` in memory; `away` is both of them down."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.records: list[Record] = []
        self.away = False

    async def add(self, title: str, within: timedelta) -> Ticket:
        self._check()
        made = replace(NEW, id=f"a{len(self.tickets) + 1}", title=title, due_at=NOW + within)
        self.tickets[made.id] = made
        return made

    async def load(self, ticket_id: str) -> tuple[Ticket, datetime] | None:
        self._check()
        found = self.tickets.get(ticket_id)
        return (found, NOW) if found else None

    async def save(self, ticket: Ticket) -> None:
        self.tickets[ticket.id] = ticket

    async def newest(self, state: str | None) -> Sequence[Ticket]:
        return [each for each in self.tickets.values() if state in (None, each.state)]

    async def overdue(self) -> Sequence[str]:
        return []

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        self.records += records

    def _check(self) -> None:
        if self.away:
            raise RemoteUnavailable("postgres", "away")

    async def consume(self) -> list[str]:
        """What became of each event."""
        handler, outcomes = TicketHandler(self), []
        while self.records:
            record = self.records.pop(0)
            event = decode(record.key, record.value, record.headers)
            accepts(event)
            outcomes.append((await handler.handle(event, Attempt(1, 0.0, (event,)))).result)
        return outcomes


async def test_a_ticket_from_opening_to_its_explanation() -> None:
    shelf = Shelf()
    app = web.Application(middlewares=[problems])
    TicketRoutes(shelf, Asking(shelf, "tickets.ticket", FakeClock()), timedelta(hours=1)).add_to(app)
    async with TestClient(TestServer(app)) as client:
        opened = await client.post("/tickets", json={"title": "Drucker"})
        number = (await opened.json())["id"]
        path = f"/tickets/{number}"
        statuses = [(await client.post(f"{path}/{action}")).status for action in ("triage", "triage", "notify")]
        outcomes = await shelf.consume()
        told = await (await client.get(f"/explain/ticket/{number}")).json()
        listed = await (await client.get("/tickets", params={"state": "triaged"})).json()
        wrong = [
            (await client.post("/tickets", data=b'{"title": "\xff"}')).status,
            (await client.post("/tickets", json={"title": " "})).status,
            (await client.post("/tickets/a9/triage")).status,
            (await client.post(f"{path}/close")).status,
        ]
        shelf.away = True
        away = await client.post("/tickets", json={"title": "Drucker"})
    assert (opened.status, statuses) == (201, [202, 202, 202])
    assert outcomes == ["written", "nothing_to_do", "written"]
    assert [each["reason"] for each in told["history"]] == ["Gesichtet", "Bearbeiter benachrichtigt"]
    assert [each["state"] for each in listed["list"]] == ["triaged"]
    assert (wrong, away.status) == ([400, 400, 404, 404], 503)


async def test_other_events_do_not_belong_here() -> None:
    shelf = Shelf()
    await Asking(shelf, "tickets.ticket", FakeClock()).ask("a1", "close", DESK)
    with pytest.raises(InvalidEvent):
        await shelf.consume()
