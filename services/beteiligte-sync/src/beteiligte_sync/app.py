"""Composition root of beteiligte-sync: the only module that names concrete adapters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from aiohttp import web

from beteiligte_sync import metrics
from beteiligte_sync.agents import TOPICS, attach, attach_consultations, attach_links
from beteiligte_sync.consultations import ConsultationExplainer, ConsultationHandler
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from beteiligte_sync.entities.registry import REGISTRY
from beteiligte_sync.handlers import LinkHandler, SyncHandler, accepts
from beteiligte_sync.settings import Settings
from kanzlei.advoware.children import AdvowareChildren
from kanzlei.advoware.client import AdvowareBeteiligteStore
from kanzlei.advoware.rows import AdvowareRows
from kanzlei.callers.inside import Inside
from kanzlei.consultations import NOUN as CONSULTATIONS
from kanzlei.consultations import accepts as accepts_consultation
from kanzlei.espocrm.client import EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.espocrm.watch import watch_of
from kanzlei.topics import ENTITY_LINKS, ERSTGESPRAECH_CHECK, EVENT_TOPICS
from kanzlei.wiring import Connections, connections
from recordsync import Children, Companion, Engine, EngineSettings, Family, Outcome, Remotes
from recordsync.explain.explainer import RecordExplainer
from recordsync.explain.gather import Sources
from recordsync.mapping.field import EntityMapping
from recordsync.postgres.brake import PostgresBrake
from recordsync.postgres.inspect import PostgresInspector
from recordsync.postgres.links import PostgresLinkStore
from synckit.clock import SystemClock
from synckit.events import dead_letter_topic
from synckit.faust import KafkaWorkerSettings, build_app
from synckit.faust.worker_process import KafkaWorker
from synckit.kafka.publisher import require_topics
from synckit.ports import Clock, SearchableStore
from synckit.postgres.schema import SCHEMA_REVISION
from synckit.service import remote_metrics
from synckit.service.counted_calls import CountedCalls
from synckit.service.explain import Explainer, ExplainRoutes
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.worker_metrics import WorkerMetrics
from synckit.worker import KeyedExecutor, Limits, RetryPolicy
from synckit.worker.dead_letters import DeadLetters

CHILDREN_SHARE = 4
"""A child's entity syncs a quarter as many records at once as its parent's."""
PROBES = 20
"""Records tried one by one after a few bugs in a row, before the worker takes them for its own and stops."""


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing. Call it inside the running event loop."""
    clock = SystemClock()
    own = settings.beteiligte_sync
    at_once = sum(_limits(mapping, settings).max_in_flight for mapping in REGISTRY)

    def circuit_changed(upstream: str, is_open: bool) -> None:
        remote_metrics.circuit(upstream, is_open)
        if not is_open:
            for executor in app.executors:
                executor.hurry()

    opened = connections(settings, clock, service=settings.service, at_once=at_once, on_circuit=circuit_changed)
    metrics.expect([mapping.entity for mapping in REGISTRY], CONSULTATIONS.name)
    app = build_app(KafkaWorkerSettings(group=settings.service, access=settings.kafka.access))
    engines = {mapping.entity: _engine(mapping, settings, opened, clock) for mapping in REGISTRY}
    for mapping in REGISTRY:
        attach(app, mapping, _executor(mapping, settings, opened, engines[mapping.entity]))
    for executor in app.executors:
        executor.may_start = _both(executor.may_start, opened.remotes_may_be_called)
    # After the loop: to pass a link on needs no remote, so that it waits for none.
    attach_links(app, _link_executor(settings, opened, clock))
    attach_consultations(app, _consultation_executor(settings, opened))

    async def prepare() -> None:
        wanted = [*TOPICS, *(dead_letter_topic(topic) for topic in TOPICS)]
        await require_topics(settings.kafka.access, wanted)
        await opened.publisher.start()
        await opened.schema_there(clock)

    worker = KafkaWorker(app, prepare=prepare)
    watch = watch_of(settings.espocrm, clock, service=settings.service)
    health = Health([Check("worker", worker.probe), *opened.checks()])
    inside = Inside.of(settings.service, opened.pool, opened.redis, opened.time)
    explainers: dict[str, Explainer] = {entity: _explainer(engine, opened) for entity, engine in engines.items()}
    records = EspoStore(opened.espocrm, CONSULTATIONS.espocrm)
    explainers[CONSULTATIONS.name] = ConsultationExplainer(records, settings.office.open_hours(), opened.time)
    web_app = ExplainRoutes(explainers, inside.admit, opened.remotes_may_be_called).add_to(web.Application())
    return Service(
        schema=SCHEMA_REVISION,
        server=HttpServer(watch.add_to(add_shell(web_app, health)), port=own.port, host=settings.http.host),
        health=health,
        background=[worker.run, watch.forever, opened.time.forever],
        closing=opened.closing(),
        deadline=30.0,
    )


def _both(one: Callable[[], bool], other: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: one() and other()


def observe(entity: str, outcome: Outcome) -> None:
    """A look's outcome as metrics."""
    metrics.conflicts(entity, outcome.conflicts)
    metrics.synced(entity, outcome.left_writes, outcome.right_writes, outcome.notices)
    for each in outcome.refused:
        metrics.refused(entity, each.upstream, each.status)
    if outcome.undeliverable:
        metrics.undeliverable(entity)
    if outcome.held_by is not None:
        metrics.braked(entity, *outcome.held_by)


def _explainer(engine: Engine, opened: Connections) -> RecordExplainer:
    """With the engine's own rules and adapters of the same connections; who works on the record is not asked."""
    mapping = engine.rules.mapping
    sources = Sources(
        left=EspoStore(opened.espocrm, mapping.left_type),
        right=_right(mapping, opened),
        memory=PostgresInspector(opened.pool, mapping.entity),
        locks=None,
        topics=None,
        clock=opened.time,
    )
    return RecordExplainer(sources, engine.rules)


def _executor(mapping: EntityMapping, settings: Settings, opened: Connections, engine: Engine) -> KeyedExecutor:
    return KeyedExecutor(
        CountedCalls(mapping.entity, SyncHandler(mapping.entity, engine, observe)),
        DeadLetters(opened.publisher, service=settings.service, clock=opened.time),
        _limits(mapping, settings),
        observer=WorkerMetrics(EVENT_TOPICS[mapping.entity]),
        accepts=accepts,
    )


def _link_executor(settings: Settings, opened: Connections, clock: Clock) -> KeyedExecutor:
    return KeyedExecutor(
        LinkHandler(frozenset(mapping.entity for mapping in REGISTRY), opened.publisher),
        DeadLetters(opened.publisher, service=settings.service, clock=clock),
        Limits(max_buffered=settings.beteiligte_sync.max_buffered, fuse_probes=PROBES),
        observer=WorkerMetrics(ENTITY_LINKS),
        accepts=accepts,
    )


def _consultation_executor(settings: Settings, opened: Connections) -> KeyedExecutor:
    """As few at once as of a child: at eight in the morning all of a night come together."""
    own, records = settings.beteiligte_sync, EspoStore(opened.espocrm, CONSULTATIONS.espocrm)
    wrote = partial(metrics.wrote_left, CONSULTATIONS.name)
    handler = ConsultationHandler(records, settings.office.open_hours(), opened.time, wrote)
    executor = KeyedExecutor(
        CountedCalls(CONSULTATIONS.name, handler),
        DeadLetters(opened.publisher, service=settings.service, clock=opened.time),
        Limits(
            max_in_flight=max(1, own.max_in_flight // CHILDREN_SHARE),
            max_buffered=own.max_buffered,
            fuse_probes=PROBES,
            retry=RetryPolicy(budget=own.in_place_seconds),
        ),
        observer=WorkerMetrics(ERSTGESPRAECH_CHECK),
        accepts=accepts_consultation,
    )
    executor.may_start = _both(executor.may_start, opened.espocrm.may_call)
    return executor


def _engine(mapping: EntityMapping, settings: Settings, opened: Connections, clock: Clock) -> Engine:
    parent = _parent(mapping)
    remotes = Remotes(
        left=EspoStore(opened.espocrm, mapping.left_type),
        right=_right(mapping, opened),
        links=PostgresLinkStore(opened.pool, mapping.entity),
        locks=opened.locks,
        notifier=EspoNotifier(opened.espocrm, (parent or mapping).left_type),
        clock=clock,
        parents=PostgresLinkStore(opened.pool, parent.entity) if parent else None,
        brake=PostgresBrake(opened.pool, mapping.entity),
    )
    # No child is ever deleted in Advoware: the API forbids it.
    chosen = EngineSettings(
        delete="never" if parent else settings.beteiligte.delete,
        brake=settings.brake.limits(),
        whole_call=timedelta(seconds=opened.advoware.whole),
    )
    return Engine(mapping, remotes, chosen, _family(mapping, opened, clock, chosen), _companion(mapping, opened))


def _companion(mapping: EntityMapping, opened: Connections) -> Companion | None:
    """E-mail and phone: lists of a party in EspoCRM, rows of it in Advoware."""
    if mapping is not BETEILIGTE:
        return None
    return Companion(KommunikationLists(), AdvowareRows(opened.advoware, "Kommunikationen"))


def _right(mapping: EntityMapping, opened: Connections) -> SearchableStore:
    if mapping.child_of is not None:
        return AdvowareChildren(opened.advoware, mapping.right_type, mapping.child_of)
    return AdvowareBeteiligteStore(opened.advoware)


def _family(mapping: EntityMapping, opened: Connections, clock: Clock, chosen: EngineSettings) -> Family | None:
    children = [
        Children(
            child,
            PostgresLinkStore(opened.pool, child.entity),
            EspoStore(opened.espocrm, child.left_type),
            EVENT_TOPICS[child.entity],
        )
        for child in REGISTRY
        if _parent(child) is mapping
    ]
    return Family(children, opened.publisher, chosen) if children else None


def _parent(mapping: EntityMapping) -> EntityMapping | None:
    child = mapping.child_of
    return next((each for each in REGISTRY if child is not None and each.entity == child.entity), None)


def _limits(mapping: EntityMapping, settings: Settings) -> Limits:
    """Children come in the wake of their parents, and are fewer at once."""
    own = settings.beteiligte_sync
    share = CHILDREN_SHARE if mapping.child_of is not None else 1
    return Limits(
        max_in_flight=max(1, own.max_in_flight // share),
        max_buffered=own.max_buffered,
        fuse_probes=PROBES,
        retry=RetryPolicy(budget=own.in_place_seconds),
    )
