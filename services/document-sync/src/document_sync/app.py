"""Composition root of document-sync: wires the service; its commands are wired elsewhere, from the same parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from aiohttp import web

from document_sync import metrics
from document_sync.adapters.gate import KeyGate
from document_sync.adapters.office import DOCUMENT
from document_sync.adapters.standing import PostgresStanding
from document_sync.adapters.wiring import Opened, opened
from document_sync.agents import ACCEPTS, DocumentHandler, PassOn, RecordHandler, attach
from document_sync.handlers.auditing import tally
from document_sync.handlers.sweep import Sweep
from document_sync.routes import ExplainRoutes, problems
from document_sync.settings import Settings
from document_sync.timers import (
    AUDIT_SECONDS,
    DAILY_SECONDS,
    GAUGE_SECONDS,
    RETENTION_SECONDS,
    SWEEP_SECONDS,
    Duty,
    DutyLoop,
    Ticker,
    show,
)
from kanzlei.nouns import BY_TYPE
from kanzlei.topics import DOKUMENTE, ENTITY_LINKS, SAMMLUNGEN
from synckit.events import ChangeEvent, dead_letter_topic
from synckit.faust import KafkaWorkerSettings, build_app
from synckit.faust.worker_process import KafkaWorker
from synckit.handling import EventHandler
from synckit.kafka.publisher import require_topics
from synckit.redis.locks import OncePerCluster
from synckit.service.counted_calls import CountedCalls
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.worker_metrics import WorkerMetrics
from synckit.worker import KeyedExecutor, Limits, RetryPolicy
from synckit.worker.dead_letters import DeadLetters

Accepts = Callable[[ChangeEvent], None]
LOOK_SECONDS = 600.0
"""A try that hangs is broken off: the bytes of the largest file have gone long before."""
RECORDS_SHARE = 2
"""Records are looked at half as many at once as documents: they call these."""


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing. Call it inside the running event loop."""
    parts, own = opened(settings), settings.document_sync
    access = settings.kafka.access
    worker_app = build_app(KafkaWorkerSettings(group=settings.service, access=access))
    executors = _executors(parts, settings)
    attach(worker_app, executors)

    async def prepare() -> None:
        await require_topics(access, [*executors, *map(dead_letter_topic, executors)])
        await parts.publisher.start()
        await parts.schema_there()

    worker = KafkaWorker(worker_app, prepare=prepare)
    health = Health([Check("worker", worker.probe), *parts.checks()])
    app = web.Application(middlewares=[problems])
    gate = KeyGate(parts.pool, parts.redis, parts.time)
    ExplainRoutes(gate, parts.documents, parts.records, frozenset(settings.xai.record_types)).add_to(app)
    once = OncePerCluster(parts.redis, parts.time, prefix="document-sync:")
    return Service(
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


def foreign_topics(settings: Settings) -> tuple[str, ...]:
    """Topics of other nouns whose records may have a collection: read with our own group, for the switch alone."""
    topics = (BY_TYPE[kind].topic for kind in settings.xai.record_types if kind in BY_TYPE)
    return tuple(dict.fromkeys(topic for topic in topics if topic not in ("", SAMMLUNGEN)))


def _executors(parts: Opened, settings: Settings) -> Mapping[str, KeyedExecutor]:
    """Topic → who handles it."""
    types = frozenset(settings.xai.record_types)
    switches = {kind: one.switch for kind, one in settings.xai.record_types.items()}
    documents = DocumentHandler(parts.documents, metrics.looked)
    records = RecordHandler(parts.records, types, metrics.looked)
    passing = PassOn(parts.calls, switches)
    at_once = settings.document_sync.max_in_flight
    make = partial(_executor, parts, settings)
    return {
        DOKUMENTE: make(DOKUMENTE, CountedCalls("dokumente", documents), ACCEPTS["documents"], at_once),
        SAMMLUNGEN: make(
            SAMMLUNGEN, CountedCalls("sammlungen", records), records.accepts, max(1, at_once // RECORDS_SHARE)
        ),
        ENTITY_LINKS: make(ENTITY_LINKS, passing, ACCEPTS["links"], at_once),
        **{topic: make(topic, passing, ACCEPTS["records"], at_once) for topic in foreign_topics(settings)},
    }


def _executor(
    parts: Opened, settings: Settings, topic: str, handler: EventHandler, accepts: Accepts, at_once: int
) -> KeyedExecutor:
    own = settings.document_sync
    limits = Limits(
        max_in_flight=at_once,
        max_buffered=own.max_buffered,
        attempt_seconds=LOOK_SECONDS,
        retry=RetryPolicy(budget=own.in_place_seconds),
    )
    letters = DeadLetters(parts.publisher, service=settings.service, clock=parts.clock)
    return KeyedExecutor(handler, letters, limits, observer=WorkerMetrics(topic), accepts=accepts)


def _duties(parts: Opened, settings: Settings) -> list[Duty]:
    own, standing = settings.document_sync, PostgresStanding(parts.pool)
    ticker = Ticker(parts.lists, parts.calls, parts.time)
    sweep = Sweep(parts.parts, keep=timedelta(days=settings.xai.keep_days))
    types = frozenset(settings.xai.record_types)

    async def retention() -> None:
        await standing.forget(settings.transfer.days)
        await standing.forget_rows()

    async def audit() -> None:
        metrics.audited(tally(await parts.auditor.find()))

    return [
        Duty("audit", AUDIT_SECONDS, audit),
        Duty("standing", GAUGE_SECONDS, partial(show, standing), everywhere=True),
        Duty("due", own.due_seconds, ticker.due),
        Duty("changed", own.changed_seconds, partial(ticker.changed, parts.changed, DOCUMENT, types)),
        Duty("daily", DAILY_SECONDS, ticker.daily),
        Duty("sweep", SWEEP_SECONDS, partial(sweep.carry_out, parts.lists)),
        Duty("retention", RETENTION_SECONDS, retention),
    ]
