"""Composition root of the ticker: the only module that names concrete adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from aiohttp import web
from redis.asyncio import Redis

from synckit import topics
from synckit.adapters.advoware import AdvowareBeteiligteStore, AdvowareClient
from synckit.adapters.advoware_auth import AdvowareAuth, AdvowareLogin
from synckit.adapters.espocrm import EspoAuth, EspoClient
from synckit.adapters.http_client import Wiring
from synckit.adapters.kafka import KafkaPublisher, require_topics
from synckit.adapters.postgres.pool import PoolLimits, PostgresPool
from synckit.adapters.postgres.schema import ensure_schema
from synckit.adapters.postgres.sweep import PostgresSweepStore
from synckit.adapters.redis import OncePerCluster, connect, ping
from synckit.adapters.redis_token import RedisTokenCache
from synckit.ports import Clock
from synckit.runtime import metrics
from synckit.runtime.clock import SystemClock
from synckit.runtime.http import Check, Health, HttpServer, Step, add_shell, run_service
from synckit.runtime.settings import AdvowareSection, EspoCrmSection
from synckit.runtime.startup import until_there
from ticker.adapters.lists import AdvowareLists, EspoLists
from ticker.handlers import ENTITY, ChangedAtDesk, Emitter, Look, Modified, NotLookedAt, ParkedAndDue, WaitingStates
from ticker.settings import Settings, TickerSection
from ticker.timers import Timer, TimerLoop

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Ticker:
    """The service, wired and not started. `starting` and `closing` are the command's as well."""

    looks: Sequence[Look]
    emitter: Emitter
    server: HttpServer
    health: Health
    starting: Sequence[Step]
    background: Sequence[Step]
    closing: Sequence[Step]

    async def run(self) -> int:
        """Until it is told to stop; the exit status."""
        return await run_service(
            self.server, self.health, starting=self.starting, background=self.background, closing=self.closing
        )


@dataclass(frozen=True, slots=True)
class _Connections:
    """What is opened and has to be closed."""

    publisher: KafkaPublisher
    pool: PostgresPool
    redis: Redis
    espocrm: EspoClient
    auth: AdvowareAuth
    advoware: AdvowareClient


def build(settings: Settings) -> Ticker:
    """Wires the service. Connects to nothing."""
    clock = SystemClock()
    opened = _connections(settings, clock)
    emitter = Emitter(opened.publisher, clock)
    timers = _timers(settings.ticker, opened, clock)
    once = OncePerCluster(opened.redis, clock, prefix="ticker:")
    health = Health(
        [
            Check("kafka", opened.publisher.ping),
            Check("database", opened.pool.ping),
            Check("redis", partial(ping, opened.redis)),
        ]
    )
    return Ticker(
        looks=[look for timer in timers for look in timer.looks],
        emitter=emitter,
        server=HttpServer(add_shell(web.Application(), health), port=settings.ticker.port),
        health=health,
        starting=_starting(settings, opened, clock),
        background=[TimerLoop(timer, emitter, once, clock).forever for timer in timers],
        closing=_closing(opened),
    )


def _connections(settings: Settings, clock: Clock) -> _Connections:
    wiring = Wiring(on_call=metrics.api_call, on_refused=metrics.auth_refused)
    database = settings.database
    limits = PoolLimits(size=min(CONNECTIONS, database.pool_size), statement=database.statement_seconds)
    redis = connect(settings.redis.url.get_secret_value(), size=CONNECTIONS)
    auth = _auth(settings.advoware, redis, clock, wiring)
    return _Connections(
        publisher=KafkaPublisher(settings.kafka.bootstrap_servers, client_id=settings.service),
        pool=PostgresPool(database.url.get_secret_value(), limits=limits, application_name=settings.service),
        redis=redis,
        espocrm=EspoClient(settings.espocrm.base_url, _espo_auth(settings.espocrm), wiring),
        auth=auth,
        advoware=AdvowareClient(settings.advoware.api_base_url, auth, wiring),
    )


def _espo_auth(section: EspoCrmSection) -> EspoAuth:
    secret = section.hmac_secret_key
    return EspoAuth(section.api_key.get_secret_value(), secret.get_secret_value() if secret else None)


def _auth(section: AdvowareSection, redis: Redis, clock: Clock, wiring: Wiring) -> AdvowareAuth:
    login = AdvowareLogin(
        app_id=section.app_id,
        product_id=section.product_id,
        api_key=section.api_key.get_secret_value(),
        kanzlei=section.kanzlei,
        database=section.database,
        user=section.user,
        role=section.role,
        password=section.password.get_secret_value(),
    )
    return AdvowareAuth(section.auth_url, login, RedisTokenCache(redis, clock), clock, wiring)


def _timers(own: TickerSection, opened: _Connections, clock: Clock) -> list[Timer]:
    store = PostgresSweepStore(opened.pool, ENTITY)
    left = EspoLists(opened.espocrm)
    right = AdvowareLists(AdvowareBeteiligteStore(opened.advoware))
    overlap = timedelta(seconds=own.overlap_seconds)
    sweep: list[Look] = [
        WaitingStates(left, clock, stale_syncing=timedelta(seconds=own.stale_syncing_seconds)),
        Modified(left, store, clock, overlap=overlap),
        NotLookedAt(store, clock, age=timedelta(hours=own.unlooked_hours), limit=own.unlooked_limit),
    ]
    return [
        Timer("sweep", own.sweep_seconds, sweep),
        Timer("desk", own.desk_seconds, [ChangedAtDesk(right, store, clock, overlap=overlap, limit=own.desk_limit)]),
        Timer("parked", own.parked_seconds, [ParkedAndDue(store, clock)]),
    ]


def _starting(settings: Settings, opened: _Connections, clock: Clock) -> list[Step]:
    async def topics_there() -> None:
        await require_topics(settings.kafka.bootstrap_servers, [topics.EVENT_TOPICS[ENTITY]])

    async def schema_there() -> None:
        await until_there("database", partial(ensure_schema, opened.pool), clock)

    return [topics_there, opened.publisher.start, schema_there]


def _closing(opened: _Connections) -> list[Step]:
    return [
        opened.publisher.stop,
        opened.espocrm.close,
        opened.advoware.close,
        opened.auth.close,
        opened.redis.aclose,
        opened.pool.close,
    ]
