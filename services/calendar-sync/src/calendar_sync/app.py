"""Composition root of calendar-sync: wires the service; its commands are wired in `commands`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from calendar_sync import metrics
from calendar_sync.adapters.audit import Auditor
from calendar_sync.adapters.channel_table import PostgresChannels
from calendar_sync.adapters.explaining import CalendarExplainer
from calendar_sync.adapters.gate import KeyGate
from calendar_sync.adapters.runner import EmployeeRunner
from calendar_sync.adapters.wiring import Opened, opened
from calendar_sync.agents import CalendarHandler, Ports, accepts, attach
from calendar_sync.by_hand import ByHand
from calendar_sync.domain.memory import CalendarState, Report
from calendar_sync.domain.push import Watched
from calendar_sync.routes import MAX_BODY, CalendarRoutes, problems
from calendar_sync.settings import Settings
from calendar_sync.timers import (
    AUDIT_SECONDS,
    GAUGE_SECONDS,
    RETENTION_SECONDS,
    Duty,
    DutyLoop,
    Push,
    PushUpkeep,
    Standing,
    show,
)
from kanzlei.calendar_events import DOMAIN, NOUN
from kanzlei.callers.inside import Inside
from kanzlei.topics import CALENDAR_SYNC
from synckit.events import dead_letter_topic
from synckit.faust import KafkaWorkerSettings, build_app
from synckit.faust.worker_process import KafkaWorker
from synckit.kafka.publisher import require_topics
from synckit.postgres.schema import SCHEMA_REVISION
from synckit.redis.locks import OncePerCluster
from synckit.service.counted_calls import CountedCalls
from synckit.service.explain import ExplainRoutes
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.worker_metrics import WorkerMetrics
from synckit.worker import KeyedExecutor, Limits, RetryPolicy
from synckit.worker.dead_letters import DeadLetters

KEPT_DAYS = 90
"""Runs, lines of the journal and told causes: as long as undo reaches back."""
SETTLE_SECONDS = 60.0
"""Between the end of a run's own time and the worker's end of it."""


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing. Call it inside the running event loop."""
    parts, own = opened(settings), settings.calendar_sync
    access = settings.kafka.access
    worker_app = build_app(KafkaWorkerSettings(group=settings.service, access=access))
    attach(worker_app, _executor(parts, settings))

    async def prepare() -> None:
        await require_topics(access, [CALENDAR_SYNC, dead_letter_topic(CALENDAR_SYNC)])
        await parts.publisher.start()
        await parts.schema_there()

    worker = KafkaWorker(worker_app, prepare=prepare)
    health = Health([Check("worker", worker.probe), *parts.checks()])
    app = web.Application(client_max_size=MAX_BODY, middlewares=[problems])
    asking = ByHand(parts.office, parts.runs, parts.publisher, parts.time)
    gate = KeyGate.of(parts.pool, parts.redis, parts.time)
    CalendarRoutes(gate, asking, parts.runs, parts.time).add_to(app)
    inside = Inside.of(settings.service, parts.pool, parts.redis, parts.time)
    explainer = CalendarExplainer(EmployeeRunner(parts, settings.calendar), parts.office)
    ExplainRoutes({NOUN: explainer, DOMAIN: explainer}, inside.admit).add_to(app)
    once = OncePerCluster(parts.redis, parts.time, prefix="calendar-sync:")
    return Service(
        schema=SCHEMA_REVISION,
        server=HttpServer(add_shell(app, health), port=own.port, host=settings.http.host),
        health=health,
        background=[
            worker.run,
            parts.time.forever,
            *(DutyLoop(duty, once, parts.clock).forever for duty in _duties(parts, settings)),
        ],
        closing=parts.closing(),
        deadline=40.0,
    )


def _executor(parts: Opened, settings: Settings) -> KeyedExecutor:
    own = settings.calendar_sync
    ports = Ports(
        runner=EmployeeRunner(parts, settings.calendar),
        runs=parts.runs,
        telling=parts.notices,
        office=parts.office,
        locks=parts.locks,
        publisher=parts.publisher,
        clock=parts.time,
    )
    limits = Limits(
        max_in_flight=own.max_in_flight,
        max_buffered=own.max_buffered,
        attempt_seconds=own.run_seconds + SETTLE_SECONDS,
        retry=RetryPolicy(budget=own.in_place_seconds),
    )
    return KeyedExecutor(
        CountedCalls("sync", CalendarHandler(ports, settings.calendar.chosen, _observe, own.run_seconds)),
        DeadLetters(parts.publisher, service=settings.service, clock=parts.clock),
        limits,
        observer=WorkerMetrics(CALENDAR_SYNC),
        accepts=accepts,
    )


def _observe(_kuerzel: str, report: Report, seconds: float) -> None:
    metrics.run(report.state, report.counts, seconds)


def _duties(parts: Opened, settings: Settings) -> list[Duty]:
    section, clerk = settings.calendar, _Clerk(parts)
    secret = section.push_secret.get_secret_value() if section.push_secret else ""
    push = Push(section.push_url or "", secret)
    upkeep = PushUpkeep(PostgresChannels(parts.pool), parts.channels, clerk.watched, parts.time, push)
    return [
        Duty("standing", GAUGE_SECONDS, clerk.standing, everywhere=True),
        Duty("push", settings.calendar_sync.upkeep_seconds, upkeep.carry_out),
        Duty("audit", AUDIT_SECONDS, Auditor(parts, section).nightly),
        Duty("retention", RETENTION_SECONDS, clerk.forget),
    ]


@dataclass(frozen=True, slots=True)
class _Clerk:
    """What the clock's duties ask of the memory."""

    parts: Opened

    async def watched(self) -> list[Watched]:
        """Calendars that want a channel."""
        return [
            Watched(diary.kuerzel, diary.calendar.id, diary.email)
            for diary in await self.parts.store.diaries()
            if diary.calendar is not None and diary.state is CalendarState.READY
        ]

    async def standing(self) -> None:
        """Sets the gauges."""
        now, employees = self.parts.time.now(), await self.parts.store.employees()
        working = [one for one in employees if one.state != CalendarState.LEFT]
        ages = [(now - (one.synced_at or datetime.fromtimestamp(0, UTC))).total_seconds() for one in working]
        held = [diary for diary in await self.parts.store.diaries() if diary.held is not None]
        show(Standing(len(held), sum(one.unsaved for one in working), max(ages, default=0.0)))

    async def forget(self) -> None:
        await self.parts.runs.forget(KEPT_DAYS)
