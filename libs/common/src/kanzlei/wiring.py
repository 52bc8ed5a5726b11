"""What composition roots share: settings in, connections out. Nothing here connects before it is used."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from redis.asyncio import Redis

from kanzlei import remotes
from kanzlei.advoware.auth import UPSTREAM as ADVOWARE
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareClient
from kanzlei.advoware.token_cache import RedisTokenCache
from kanzlei.espocrm.client import EspoAuth, EspoClient
from kanzlei.settings import AdvowareSection, EspoCrmSection
from synckit.http.remote_clocks import RemoteClocks
from synckit.http.wiring import HttpLimits, Wiring
from synckit.kafka.publisher import KafkaPublisher
from synckit.ports import Clock
from synckit.postgres.clock import DatabaseClock
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_schema
from synckit.redis.locks import RedisLocks, connect, ping
from synckit.service import remote_metrics
from synckit.service.pool_metrics import watch_pool
from synckit.service.remote_trouble import BadRows, Credentials
from synckit.service.server import Check, Step
from synckit.service.settings import DatabaseSection, KafkaSection, RedisSection
from synckit.service.startup import until_there

SPARE = 4
"""Connections to Redis beside those of the records: token, health."""


class SyncSettings(Protocol):
    """The sections that a service needs which speaks to all of them."""

    @property
    def kafka(self) -> KafkaSection: ...
    @property
    def database(self) -> DatabaseSection: ...
    @property
    def redis(self) -> RedisSection: ...
    @property
    def espocrm(self) -> EspoCrmSection: ...
    @property
    def advoware(self) -> AdvowareSection: ...


@dataclass(frozen=True, slots=True)
class Connections:
    """What is opened and has to be closed."""

    publisher: KafkaPublisher
    pool: PostgresPool
    redis: Redis
    locks: RedisLocks
    time: DatabaseClock
    espocrm: EspoClient
    auth: AdvowareAuth
    advoware: AdvowareClient
    credentials: Credentials

    def checks(self) -> Sequence[Check]:
        """For readiness. A remote that is away is no reason to take a service away as well; that it refuses our
        credentials is: nothing goes before a person has mended them.
        """
        return (
            Check("kafka", self.publisher.ping),
            Check("database", self.pool.ping),
            Check("redis", partial(ping, self.redis)),
            *self.credentials.checks(),
        )

    def remotes_may_be_called(self) -> bool:
        """False while one of the two remotes is in trouble: a sync needs both."""
        return self.espocrm.may_call() and self.advoware.may_call()

    async def schema_there(self, clock: Clock) -> None:
        """Waits for the database, and hears its time; refuses a schema that is not ours."""
        await until_there("database", partial(ensure_schema, self.pool), clock)
        await until_there("database", self.time.hear, clock)

    def closing(self) -> Sequence[Step]:
        """In turn."""
        return (
            self.publisher.stop,
            self.espocrm.close,
            self.advoware.close,
            self.auth.close,
            self.locks.released,
            self.redis.aclose,
            self.pool.close,
        )


def connections(
    settings: SyncSettings,
    clock: Clock,
    *,
    service: str,
    at_once: int,
    on_circuit: Callable[[str, bool], None] = remote_metrics.circuit,
) -> Connections:
    """All connections of one process; `service` is its name to broker and database, `at_once` its records in work."""
    remote_metrics.expect("espocrm", "advoware", "advoware_auth")
    limits = HttpLimits(concurrency=2 * at_once)
    # Which replica wrote a record is a question that a remote's log must be able to answer.
    agent = f"{service}/{socket.gethostname()}-{os.getpid()}"
    credentials = remotes.credentials()
    database = settings.database
    limits_of_pool = PoolLimits(size=database.pool_size, statement=database.statement_seconds)
    pool = PostgresPool(database.url.get_secret_value(), limits=limits_of_pool, application_name=service)
    watch_pool(pool)
    time = DatabaseClock(pool, clock)
    wiring = Wiring(
        limits=limits,
        on_call=remote_metrics.api_call,
        on_refused=credentials.refused,
        on_left_alone=credentials.refused,
        on_accepted=credentials.accepted,
        on_token=remote_metrics.token_expiry,
        on_bad_row=BadRows().skipped,
        agent=agent,
        on_circuit=on_circuit,
        clocks=RemoteClocks(time.now, remote_metrics.clock_skew),
    )
    redis = connect(settings.redis.url.get_secret_value(), size=at_once + SPARE)
    auth = advoware_auth(settings.advoware, redis, clock, wiring)
    return Connections(
        publisher=KafkaPublisher(settings.kafka.access, client_id=service),
        pool=pool,
        time=time,
        redis=redis,
        locks=RedisLocks(redis, clock),
        espocrm=EspoClient(settings.espocrm.base_url, _espo_auth(settings.espocrm), wiring),
        auth=auth,
        advoware=AdvowareClient(settings.advoware.api_base_url, auth, wiring),
        credentials=credentials,
    )


def _espo_auth(section: EspoCrmSection) -> EspoAuth:
    secret = section.hmac_secret_key
    return EspoAuth(section.api_key.get_secret_value(), secret.get_secret_value() if secret else None)


def advoware_auth(section: AdvowareSection, redis: Redis, clock: Clock, wiring: Wiring) -> AdvowareAuth:
    """The token of all our services, shared in Redis."""
    remote_metrics.expect_tokens(ADVOWARE)
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
