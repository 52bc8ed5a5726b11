"""Erstgespräche that are due: only in office hours, the longest due first, told once and then ever more rarely."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kanzlei.office_hours import office_hours
from recordsync.testing.memory import FakePublisher
from synckit.errors import RemoteUnavailable
from synckit.events import decode
from synckit.service.metrics import REGISTRY
from synckit.testing.clock import FakeClock
from ticker.commands import chosen_of, parsed, run_once
from ticker.consultations import ConsultationsDue, Due
from ticker.gauges import show_overdue
from ticker.handlers import Emitter, Look
from ticker.timers import Timer, TimerLoop

HOURS = office_hours("Mon-Fri 08:00-18:00")
FRIDAY_EVENING = datetime(2026, 6, 5, 16, tzinfo=UTC)
MONDAY_MORNING = datetime(2026, 6, 8, 6, tzinfo=UTC)


class Lists:
    """EspoCRM's answers; `asked` counts them."""

    def __init__(self, *rows: Due) -> None:
        self.rows = list(rows)
        self.asked: list[tuple[Sequence[Mapping[str, Any]], int]] = []
        self.away = False

    async def due(self, where: Sequence[Mapping[str, Any]], limit: int) -> AsyncGenerator[Due, None]:
        self.asked.append((where, limit))
        if self.away:
            raise RemoteUnavailable("espocrm", "503")
        for row in self.rows[:limit]:
            yield row


class Desk:
    def __init__(self, now: datetime, *rows: Due) -> None:
        self.clock = FakeClock(now)
        self.lists = Lists(*rows)
        self.publisher = FakePublisher()
        self.look = ConsultationsDue(self.lists, HOURS, self.clock)
        self.emitter = Emitter(self.publisher, self.clock)

    async def tick(self) -> list[str]:
        """The ids that are told of now."""
        before = len(self.publisher.sent)
        await self.emitter.carry_out(self.look)
        return [record.key.decode() for _, record in self.publisher.sent[before:]]


def row(name: str, since: datetime = FRIDAY_EVENING) -> Due:
    return Due(name, since)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (FRIDAY_EVENING - timedelta(seconds=1), 1),
        (FRIDAY_EVENING, 0),
        (datetime(2026, 6, 6, 10, tzinfo=UTC), 0),
        (MONDAY_MORNING - timedelta(seconds=1), 0),
        (MONDAY_MORNING, 1),
        (datetime(2026, 12, 24, 11, tzinfo=UTC), 1),  # Christmas Eve at 12
        (datetime(2026, 12, 25, 11, tzinfo=UTC), 0),
        (datetime(2026, 3, 30, 6, tzinfo=UTC), 1),  # the Monday after the clock was put forward
        (datetime(2026, 10, 26, 6, tzinfo=UTC), 0),  # the Monday after it was put back
    ],
)
async def test_events_come_in_office_hours_alone(at: datetime, told: int) -> None:
    desk = Desk(at, row("e1", datetime(2026, 1, 1, tzinfo=UTC)))
    assert len(await desk.tick()) == told
    assert len(desk.lists.asked) == told


async def test_one_event_each_at_once_the_longest_due_first() -> None:
    desk = Desk(MONDAY_MORNING, *(row(f"e{n}", FRIDAY_EVENING + timedelta(minutes=n)) for n in range(700)))
    assert await desk.tick() == [f"e{n}" for n in range(700)]
    topic, record = desk.publisher.sent[0]
    event = decode(record.key, record.value, record.headers)
    assert (topic, event.type, event.origin) == ("erstgespraech.check", "vmh.erstgespraeche.check", "ticker")


async def test_espocrm_is_asked_for_what_waits_and_is_due() -> None:
    desk = Desk(MONDAY_MORNING)
    await desk.tick()
    [(where, _)] = desk.lists.asked
    assert where == [
        {"type": "equals", "attribute": "status", "value": "Warten auf neuen Anruf"},
        {"type": "lessThanOrEquals", "attribute": "nextCall", "value": "2026-06-08 06:00:00"},
    ]


async def test_one_that_stays_is_told_ever_more_rarely() -> None:
    desk, told = Desk(MONDAY_MORNING, row("e1")), []
    for minute in range(240):
        if await desk.tick():
            told.append(minute)
        desk.clock.advance(60.0)
    assert told == [0, 1, 3, 7, 15, 31, 63, 123, 183]


async def test_another_time_of_its_call_makes_it_a_new_one() -> None:
    desk = Desk(MONDAY_MORNING, row("e1"))
    for _ in range(3):
        await desk.tick()
        desk.clock.advance(60.0)
    desk.lists.rows = [row("e1", MONDAY_MORNING)]
    assert await desk.tick() == ["e1"]


async def test_what_the_broker_did_not_take_is_told_again() -> None:
    desk = Desk(MONDAY_MORNING, row("e1"))
    found = await desk.look.find()
    assert (list(found.ids), list((await desk.look.find()).ids)) == (["e1"], ["e1"])


async def test_a_timer_counts_and_survives_an_espocrm_that_is_away() -> None:
    desk = Desk(MONDAY_MORNING, row("e1"))
    desk.lists.away = True
    loop = TimerLoop(Timer("consultations", 60.0, [desk.look]), desk.emitter, Once(), desk.clock)
    await loop.step()
    desk.lists.away = False
    desk.clock.advance(60.0)
    await loop.step()
    assert [record.key for _, record in desk.publisher.sent] == [b"e1"]


class Once:
    async def claim(self, name: str, every: timedelta) -> bool:
        return True

    async def give_back(self, name: str, every: timedelta) -> None: ...


async def test_by_hand_with_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(MONDAY_MORNING, row("e1"), row("e2"))
    looks: list[Look] = [desk.look]
    chosen = parsed(["run-once", "consultations", "--dry-run"])
    looks = chosen_of(looks, chosen.entity)
    assert await run_once(looks, desk.emitter, dry_run=chosen.dry_run, as_json=False) == 0
    assert "consultations.due" in (out := capsys.readouterr().out)
    assert ("2 would emit" in out, desk.publisher.sent) == (True, [])
    assert await run_once(looks, desk.emitter, dry_run=False, as_json=False) == 0
    assert len(desk.publisher.sent) == 2


@pytest.mark.parametrize(
    ("since", "now", "seconds"),
    [
        (FRIDAY_EVENING - timedelta(minutes=10), MONDAY_MORNING + timedelta(minutes=5), 900),
        (FRIDAY_EVENING, MONDAY_MORNING, 0),
        (MONDAY_MORNING, MONDAY_MORNING + timedelta(hours=2), 7200),
        (FRIDAY_EVENING - timedelta(hours=1), datetime(2026, 6, 6, 10, tzinfo=UTC), 0),
    ],
)
async def test_how_long_one_waits_is_counted_in_office_hours(since: datetime, now: datetime, seconds: int) -> None:
    await show_overdue(Lists(row("e1", since)), HOURS, FakeClock(now))
    assert REGISTRY.get_sample_value("sync_consultations_overdue_seconds") == seconds
    await show_overdue(Lists(), HOURS, FakeClock(now))
    assert REGISTRY.get_sample_value("sync_consultations_overdue_seconds") == 0
