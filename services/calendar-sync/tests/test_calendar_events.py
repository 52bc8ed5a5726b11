"""`calendar.sync`: one run an employee however many events, a round in the right order, and what becomes of trouble."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from calendar_sync.agents import CalendarHandler, Ports, accepts
from calendar_sync.domain.google_errors import CalendarLost, WritesBlocked
from calendar_sync.domain.memory import Report
from calendar_sync.domain.progress import Progress
from calendar_sync.domain.rounds import JITTER, SLOT, Employee, in_order, turns
from calendar_sync.handlers.pace import Pace
from kanzlei.calendar_events import all_event, employee_event
from recordsync.testing.memory import FakePublisher
from synckit.errors import AuthenticationRefused, InvalidEvent, Locked, RemoteUnavailable, SyncError
from synckit.events import ChangeEvent, decode
from synckit.handling import Attempt
from synckit.testing.clock import FakeClock

NOW = FakeClock().now()


class World:
    """All that the handler asks for; `trouble` is what the next run ends with.

    `way`: writes of a hundred that a run has done, and the seconds since the last word of it.
    """

    def __init__(self, **known: Employee) -> None:
        self.clock, self.publisher = FakeClock(), FakePublisher()
        self.staff = dict(known)
        self.ran: list[str] = []
        self.told: list[str] = []
        self.runs: dict[str, Report | str] = {}
        self.held: set[str] = set()
        self.trouble: SyncError | None = None
        self.way: list[tuple[int, float]] = []
        self.said: list[Progress] = []
        self.over: list[bool] = []

    def handler(self, chosen: Collection[str] = ()) -> CalendarHandler:
        world: Any = self
        return CalendarHandler(Ports(world, world, world, world, world, self.publisher, self.clock), chosen)

    async def active(self) -> Collection[str]:
        return {"AB", "CD", "ÄB"}

    async def known(self) -> Mapping[str, Employee]:
        return self.staff

    @contextlib.asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[object]:
        if name in self.held:
            raise Locked(f"{name} is held by another")
        self.held.add(name)
        yield object()
        self.held.discard(name)

    def hold(self, name: str) -> Any:
        return self._hold(name)

    async def run(self, kuerzel: str, lease: object, pace: Pace) -> Report:
        assert f"calendar:{kuerzel}" in self.held
        for done, took in self.way:
            self.clock.advance(took)
            await pace.tell(done, 100 - done)
            self.over.append(pace.is_over())
        self.ran.append(kuerzel)
        if self.trouble is not None:
            raise self.trouble
        return Report(kuerzel, "done", counts={"google_created": 1})

    async def tell(self, kuerzel: str) -> None:
        self.told.append(kuerzel)

    async def started(self, run_ids: Sequence[str]) -> None:
        self.runs.update(dict.fromkeys(run_ids, "running"))

    async def going_on(self, run_ids: Sequence[str], progress: Progress) -> None:
        self.said.append(progress)

    async def ended(self, run_ids: Sequence[str], report: Report) -> None:
        self.runs.update(dict.fromkeys(run_ids, report))


def events(*ids: str, kuerzel: str = "ÄB") -> Attempt:
    """Several events of one employee, that wait together."""
    made = [employee_event(kuerzel, "google", NOW) for _ in ids]
    named = [_named(event, one) for event, one in zip(made, ids, strict=True)]
    return Attempt(1, 0.0, tuple(named))


def _named(event: ChangeEvent, event_id: str) -> ChangeEvent:
    return ChangeEvent(event.entity, event.entity_id, event.action, event.origin, NOW, id=event_id, domain=event.domain)


async def test_a_flood_is_one_run_and_each_asker_learns_of_it() -> None:
    world, attempt = World(), events("r1", "r2", "r3")
    done = await world.handler().handle(attempt.events[-1], attempt)
    assert (done.result, world.ran, world.told) == ("done", ["ÄB"], ["ÄB"])
    reports = list(world.runs.values())
    assert [one.state for one in reports if isinstance(one, Report)] == ["done"] * 3


async def test_a_long_run_says_how_far_it_is() -> None:
    """Done, to do, and when it will end; once its time is up it begins nothing more."""
    world, attempt = World(), events("r1")
    world.way = [(1, 1.0), (25, 59.0), (50, 840.0)]
    await world.handler().handle(attempt.events[-1], attempt)
    assert [one.counts for one in world.said] == [{"done": 25, "to_do": 75}, {"done": 50, "to_do": 50}]
    assert world.said[0].ends_at == world.clock.now() - timedelta(seconds=840) + timedelta(seconds=180)
    assert world.said[0].reason.startswith("25 von 100 Schreibvorgängen, fertig gegen ")
    assert world.over == [False, False, True]


async def test_who_is_not_chosen_is_not_run() -> None:
    world, attempt = World(), events("r1")
    done = await world.handler({"AB"}).handle(attempt.events[-1], attempt)
    assert (done.result, world.ran) == ("skipped", [])
    report = world.runs["r1"]
    assert isinstance(report, Report)
    assert "CALENDAR_ONLY" in report.reason


async def test_another_workers_lock_is_waited_for() -> None:
    world, attempt = World(), events("r1")
    world.held.add("calendar:ÄB")
    with pytest.raises(Locked):
        await world.handler().handle(attempt.events[-1], attempt)
    assert (world.ran, world.runs) == ([], {})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RemoteUnavailable("google", "503"), "nicht zu erreichen"),
        (WritesBlocked("google", "quotaExceeded"), "quotaExceeded"),
        (CalendarLost("google: 404"), "nicht mehr da"),
        (AuthenticationRefused("google_auth", retry_after=60), "admin.google.com"),
        (AuthenticationRefused("advoware", retry_after=60), "Anmeldung"),
    ],
)
async def test_trouble_has_a_reason_in_the_offices_words(error: Any, words: str) -> None:
    """The run has failed, and says why; the next round comes by itself."""
    world, attempt = World(), events("r1", "r2")
    handler = world.handler()
    world.trouble = error
    with pytest.raises(SyncError):
        await handler.handle(attempt.events[-1], attempt)
    await handler.give_up(attempt.events[-1], error, attempt)
    report = world.runs["r1"]
    assert isinstance(report, Report)
    assert report.state == "failed"
    assert words in report.reason


@pytest.mark.parametrize("upstream", ["redis", "postgres", "kafka"])
async def test_trouble_of_our_own_waits_unacked(upstream: str) -> None:
    world, attempt = World(), events("r1")
    with pytest.raises(RemoteUnavailable):
        await world.handler().give_up(attempt.events[-1], RemoteUnavailable(upstream, "away"), attempt)


async def test_a_round_is_an_event_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those longest not synced first; who has left comes once more, so that a run can say so."""
    old, older = NOW - timedelta(hours=1), NOW - timedelta(hours=2)
    world = World(
        AB=Employee("AB", "ready", synced_at=old),
        CD=Employee("CD", "ready", synced_at=older),
        EF=Employee("EF", "ready", synced_at=NOW),
        GH=Employee("GH", "left", synced_at=older),
    )
    event = all_event("ticker", NOW)
    await world.handler().handle(event, Attempt(1, 0.0, (event,)))
    sent = [decode(record.key, record.value, record.headers) for _, record in world.publisher.sent]
    assert {topic for topic, _ in world.publisher.sent} == {"calendar.sync"}
    assert [one.entity_id for one in sent] == ["%C3%84B", "CD", "AB", "EF"]
    delays = [(one.not_before - world.clock.now()).total_seconds() for one in sent if one.not_before]
    assert len(delays) == 4
    assert all(-1 <= delay <= (SLOT * JITTER).total_seconds() for delay in delays)
    assert len({one.id for one in sent}) == 4


async def test_a_round_by_hand_puts_nobody_off() -> None:
    world, event = World(), all_event("operator", NOW)
    await world.handler({"AB", "CD"}).handle(event, Attempt(1, 0.0, (event,)))
    sent = [decode(record.key, record.value, record.headers) for _, record in world.publisher.sent]
    assert [(one.entity_id, one.not_before, one.origin) for one in sent] == [
        ("AB", None, "operator"),
        ("CD", None, "operator"),
    ]


def test_among_those_of_one_slot_unsaved_work_comes_first() -> None:
    start = NOW - (NOW - NOW.replace(hour=0, minute=0, second=0, microsecond=0)) % SLOT - SLOT
    known = {
        "AB": Employee("AB", "ready", unsaved=False, synced_at=start + timedelta(minutes=1)),
        "CD": Employee("CD", "ready", unsaved=True, synced_at=start + timedelta(minutes=9)),
        "EF": Employee("EF", "ready", unsaved=False, synced_at=start - timedelta(minutes=1)),
    }
    assert list(in_order(known, known)) == ["EF", "CD", "AB"]


def test_the_delays_spread_and_change_with_the_slot() -> None:
    names = [f"K{number}" for number in range(200)]
    first = [turn.not_before for turn in turns(names, NOW, by_hand=False)]
    assert len(set(first)) > 190
    later = [turn.not_before for turn in turns(names, NOW + SLOT, by_hand=False)]
    assert [one - NOW for one in first if one] != [one - NOW - SLOT for one in later if one]


@pytest.mark.parametrize(
    "event",
    [
        ChangeEvent("beteiligte", "a", "update", "espocrm", NOW),
        ChangeEvent("sync", "AB", "stop", "operator", NOW, domain="calendar"),
        ChangeEvent("sync", "AB", "all", "operator", NOW, domain="calendar"),
    ],
)
def test_what_the_topic_does_not_promise_is_refused(event: ChangeEvent) -> None:
    with pytest.raises(InvalidEvent):
        accepts(event)
    accepts(all_event("ticker", NOW))
    accepts(employee_event("ÄB", "google", NOW))
