"""Composition root of the ticker: the only module that names concrete adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from aiohttp import web

from kanzlei import topics
from kanzlei.advoware.client import AdvowareBeteiligteStore
from kanzlei.consultations import PART as CONSULTATIONS
from kanzlei.deadletters.desk import Desk
from kanzlei.deadletters.table import SettledLetters
from kanzlei.espocrm.watch import watch_of
from kanzlei.wiring import Connections, connections
from recordsync.postgres.brake import PostgresBrakes
from recordsync.postgres.sweep import PostgresSweepStore
from synckit.clock import SystemClock
from synckit.kafka.publisher import require_topics
from synckit.kafka.scan import TopicScanner
from synckit.ports import Clock
from synckit.postgres.schema import SCHEMA_REVISION
from synckit.redis.locks import OncePerCluster
from synckit.service.retention_metrics import retention_refused
from synckit.service.server import Health, HttpServer, Step, add_shell
from synckit.service.service import Service
from ticker import metrics
from ticker.adapters.census import PostgresCanaries, PostgresCensus
from ticker.adapters.letters import OpenLetters
from ticker.adapters.lists import AdvowareLists, EspoConsultations, EspoLists
from ticker.adapters.retention import PostgresRetention
from ticker.calendar import CalendarRound
from ticker.canary import Canary
from ticker.consultations import ConsultationsDue
from ticker.domain.entities import BETEILIGTE, WATCHED, Watched
from ticker.domain.retention import Kept
from ticker.gauges import Gauge, show_brakes, show_census, show_letters, show_overdue
from ticker.handlers import (
    ChangedAtDesk,
    Emitter,
    Look,
    Modified,
    NotLookedAt,
    ParkedAndDue,
    RowsAtDesk,
    WaitingStates,
)
from ticker.settings import Settings, TickerSection
from ticker.timers import Timer, TimerLoop

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Ticker:
    """The service, and what its commands do by hand."""

    service: Service
    looks: Sequence[Look]
    emitter: Emitter
    retention: PostgresRetention
    schema_there: Step


def build(settings: Settings) -> Ticker:
    """Wires the service. Connects to nothing."""
    clock = SystemClock()
    opened = connections(settings, clock, service=settings.service, at_once=CONNECTIONS)
    emitter = Emitter(opened.publisher, opened.time)
    retention = _retention(settings.ticker, opened)
    timers = [
        *_timers(settings.ticker, opened, opened.time),
        *_consultations(settings, opened),
        Timer("retention", settings.ticker.retention_seconds, duties=[retention]),
    ]
    metrics.expect(timer.name for timer in timers)
    once = OncePerCluster(opened.redis, opened.time, prefix="ticker:")
    health = Health(opened.checks())
    watch = watch_of(settings.espocrm, clock, service=settings.service, parts=_parts(settings))
    shell = watch.add_to(add_shell(web.Application(), health))
    service = Service(
        schema=SCHEMA_REVISION,
        server=HttpServer(shell, port=settings.ticker.port, host=settings.http.host),
        health=health,
        starting=_starting(settings, opened, clock),
        background=[
            watch.forever,
            opened.time.forever,
            *(TimerLoop(timer, emitter, once, opened.time).forever for timer in timers),
            *(gauge.forever for gauge in _gauges(settings, opened, clock)),
            _canary(settings.ticker, opened, once).forever,
        ],
        closing=opened.closing(),
    )
    looks = [look for timer in timers for look in timer.looks]
    return Ticker(service, looks, emitter, retention, partial(opened.schema_there, clock))


def _gauges(settings: Settings, opened: Connections, clock: Clock) -> list[Gauge]:
    own, access = settings.ticker, settings.kafka.access
    census = PostgresCensus(opened.pool, timedelta(hours=own.unlooked_hours))
    desk = Desk(TopicScanner(access, client_id=settings.service), opened.publisher, SettledLetters(opened.pool))
    gauges = [
        Gauge("brake", partial(show_brakes, PostgresBrakes(opened.pool)), clock, own.measure_seconds),
        Gauge("census", partial(show_census, census), clock, own.measure_seconds),
        Gauge("letters", partial(show_letters, OpenLetters(desk, opened.time)), clock, own.letters_seconds),
    ]
    if own.consultations == "on":
        show = partial(show_overdue, EspoConsultations(opened.espocrm), settings.office.open_hours(), opened.time)
        gauges.append(Gauge(CONSULTATIONS, show, clock, own.consultations_seconds))
    return gauges


def _consultations(settings: Settings, opened: Connections) -> list[Timer]:
    """None where they are switched off: not every EspoCRM has the type."""
    if settings.ticker.consultations == "off":
        return []
    due = ConsultationsDue(EspoConsultations(opened.espocrm), settings.office.open_hours(), opened.time)
    return [Timer(CONSULTATIONS, settings.ticker.consultations_seconds, [due])]


def _parts(settings: Settings) -> tuple[str, ...]:
    return (CONSULTATIONS,) if settings.ticker.consultations == "on" else ()


def _canary(own: TickerSection, opened: Connections, once: OncePerCluster) -> Canary:
    canaries = PostgresCanaries(opened.pool, BETEILIGTE.entity, own.canary_id)
    return Canary(canaries, opened.publisher, once, opened.time, own.canary_seconds)


def _timers(own: TickerSection, opened: Connections, clock: Clock) -> list[Timer]:
    stores = {watched: PostgresSweepStore(opened.pool, watched.entity, watched.parent) for watched in WATCHED}
    right = AdvowareLists(AdvowareBeteiligteStore(opened.advoware))
    overlap = timedelta(seconds=own.overlap_seconds)
    parties = stores[BETEILIGTE]
    children = {watched: store for watched, store in stores.items() if watched.parent}
    return [
        Timer("sweep", own.sweep_seconds, [look for w in WATCHED for look in _sweep(w, stores[w], own, opened, clock)]),
        Timer("desk", own.desk_seconds, [ChangedAtDesk(right, parties, clock, overlap=overlap, limit=own.desk_limit)]),
        Timer("rows", own.rows_seconds, [RowsAtDesk(right, parties, children)]),
        Timer("calendar", own.calendar_seconds, [CalendarRound()]),
        Timer("parked", own.parked_seconds, [ParkedAndDue(s, clock, entity=w.entity) for w, s in stores.items()]),
    ]


def _retention(own: TickerSection, opened: Connections) -> PostgresRetention:
    days = (own.journal_days, own.operator_days, own.guard_days)
    return PostgresRetention(opened.pool, Kept(*(timedelta(days=each) for each in days)), retention_refused)


def _sweep(
    watched: Watched, store: PostgresSweepStore, own: TickerSection, opened: Connections, clock: Clock
) -> list[Look]:
    left, entity = EspoLists(opened.espocrm, watched.left_type), watched.entity
    stale, overlap = timedelta(seconds=own.stale_syncing_seconds), timedelta(seconds=own.overlap_seconds)
    age = timedelta(hours=own.unlooked_hours)
    return [
        WaitingStates(left, clock, stale_syncing=stale, watched=watched),
        Modified(left, store, clock, overlap=overlap, entity=entity),
        NotLookedAt(store, clock, age=age, limit=own.unlooked_limit, entity=entity),
    ]


def _starting(settings: Settings, opened: Connections, clock: Clock) -> list[Step]:
    async def topics_there() -> None:
        await require_topics(
            settings.kafka.access,
            [
                topics.CALENDAR_SYNC,
                topics.ERSTGESPRAECH_CHECK,
                *(topics.EVENT_TOPICS[watched.entity] for watched in WATCHED),
            ],
        )

    return [topics_there, opened.publisher.start, partial(opened.schema_there, clock)]
