"""What comes in by Kafka: one employee's run, or a round over all. The event only says whose calendar to look at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from calendar_sync.domain.memory import Report
from calendar_sync.domain.progress import Progress, progress
from calendar_sync.domain.rounds import Employee, in_order, turns
from calendar_sync.domain.words import reason_of
from calendar_sync.handlers.pace import Pace
from kanzlei.calendar_events import ALL, DOMAIN, EMPLOYEE, NOUN, employee_event
from kanzlei.topics import CALENDAR_SYNC
from synckit.errors import InvalidEvent, PermanentError, SyncError, TransientError
from synckit.events import ChangeEvent, encode, name_of
from synckit.faust import SafeApp, keyed_agent
from synckit.handling import Attempt, Done, Outcome
from synckit.ports import Clock, Lease, Locks, Publisher
from synckit.worker import KeyedExecutor

log = structlog.get_logger(__name__)
TICKER = "ticker"
BATCH = 500
SOON = 2.0
"""Seconds: a run that ends before is not worth a word on the way."""
OUR_OWN = frozenset({"redis", "postgres", "kafka"})
"""Without these nothing is remembered: no employee is at fault, so the event waits unacked."""


class Runner(Protocol):
    """One run for one employee, under a lock that is held."""

    async def run(self, kuerzel: str, lease: Lease, pace: Pace) -> Report: ...


class Runs(Protocol):
    """What those who asked for a run may ask about."""

    async def started(self, run_ids: Sequence[str]) -> None: ...

    async def going_on(self, run_ids: Sequence[str], progress: Progress) -> None: ...

    async def ended(self, run_ids: Sequence[str], report: Report) -> None: ...


class Telling(Protocol):
    """Tells a person, once for each cause."""

    async def tell(self, kuerzel: str) -> None:
        """All that waits for this employee."""


class Office(Protocol):
    """Who works here."""

    async def active(self) -> Collection[str]:
        """Kürzel of Advoware's active employees, never none."""

    async def known(self) -> Mapping[str, Employee]:
        """All that were ever synced."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the handler asks of the outside."""

    runner: Runner
    runs: Runs
    telling: Telling
    office: Office
    locks: Locks
    publisher: Publisher
    clock: Clock


Observe = Callable[[str, Report, float], None]


class CalendarHandler:
    """Handles `calendar.sync.all` and `calendar.sync.employee`. Many events of one employee are one run."""

    def __init__(
        self,
        ports: Ports,
        chosen: Collection[str] = (),
        observe: Observe = lambda _kuerzel, _report, _seconds: None,
        run_seconds: float = 900.0,
    ) -> None:
        self._ports = ports
        self._run_seconds = run_seconds
        self._chosen = chosen
        self._observe = observe

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.action == ALL:
            return await self._round(event)
        run_ids = [one.id for one in attempt.events]
        report = await self._run(name_of(event.entity_id), run_ids)
        return Done(report.state)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """The next round comes by itself; until then the run has failed, with its reason."""
        if getattr(error, "upstream", "") in OUR_OWN or event.action == ALL:
            raise error
        await self._failed(event, error, [one.id for one in attempt.events])

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        if event.action == ALL:
            raise error
        await self._failed(event, error, [event.id])

    async def _run(self, kuerzel: str, run_ids: Sequence[str]) -> Report:
        ports = self._ports
        if self._chosen and kuerzel not in self._chosen:
            report = Report(kuerzel, "skipped", "Steht nicht in CALENDAR_ONLY.")
            await ports.runs.ended(run_ids, report)
            return report
        began = ports.clock.monotonic()
        async with ports.locks.hold(f"calendar:{kuerzel}") as lease:
            await ports.runs.started(run_ids)
            report = await ports.runner.run(kuerzel, lease, self._pace(run_ids, began))
        await ports.telling.tell(kuerzel)
        await ports.runs.ended(run_ids, report)
        self._told(kuerzel, report, ports.clock.monotonic() - began)
        return report

    def _pace(self, run_ids: Sequence[str], began: float) -> Pace:
        """Nothing more is begun once its time is up; until then whoever asked may see how far it is."""
        ports = self._ports

        async def tell(done: int, to_do: int) -> None:
            took = ports.clock.monotonic() - began
            if took >= SOON or to_do == 0:
                await ports.runs.going_on(run_ids, progress(done, to_do, took, ports.clock.now()))

        return Pace(lambda: ports.clock.monotonic() - began >= self._run_seconds, tell)

    async def _failed(self, event: ChangeEvent, error: SyncError, run_ids: Sequence[str]) -> None:
        kuerzel = name_of(event.entity_id)
        report = Report(kuerzel, "failed", reason_of(error))
        await self._ports.runs.ended(run_ids, report)
        log.warning("calendar.failed", entity_id=event.entity_id, reason=error.code, error=str(error))
        self._observe(kuerzel, report, 0.0)

    def _told(self, kuerzel: str, report: Report, seconds: float) -> None:
        self._observe(kuerzel, report, seconds)
        log.info("calendar.run", outcome=report.state, seconds=round(seconds, 3), count=sum(report.counts.values()))

    async def _round(self, event: ChangeEvent) -> Outcome:
        """One event for each, in the order in which they shall begin."""
        ports = self._ports
        names = in_order(await ports.office.active(), await ports.office.known(), self._chosen)
        at = ports.clock.now()
        records = [
            encode(
                replace(
                    employee_event(
                        turn.kuerzel, event.origin, at, not_before=turn.not_before, traceparent=event.traceparent
                    ),
                    id=str(uuid.uuid4()),
                )
            )
            for turn in turns(names, at, by_hand=event.origin != TICKER)
        ]
        for start in range(0, len(records), BATCH):
            await ports.publisher.publish(CALENDAR_SYNC, records[start : start + BATCH])
        log.info("calendar.round", origin=event.origin, emitted=len(records))
        return Done("emitted")


def accepts(event: ChangeEvent) -> None:
    """InvalidEvent for what the topic does not promise."""
    if (event.domain, event.entity) != (DOMAIN, NOUN) or event.action not in (ALL, EMPLOYEE):
        raise InvalidEvent(f"{event.type} does not belong on this topic")
    if event.action == ALL and event.entity_id != ALL:
        raise InvalidEvent("calendar.sync.all has the key all")


def attach(app: SafeApp, executor: KeyedExecutor) -> None:
    """Feeds the topic to its executor."""
    keyed_agent(app, CALENDAR_SYNC, executor)
