"""What service and commands are made of: settings in, connections and ports out. Nothing connects before it is used."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from redis.asyncio import Redis

from document_sync import metrics
from document_sync.adapters.calls import KafkaCalls
from document_sync.adapters.lists import PostgresLists
from document_sync.adapters.office import EspoAttachments, EspoOffice, RecordNames
from document_sync.adapters.spool import DiskSpool, SpoolLimits
from document_sync.adapters.store import PostgresStore
from document_sync.adapters.whole import WholeTables, WholeXai
from document_sync.adapters.xai import COLLECTIONS, FILES, XaiCollections, XaiFiles, XaiHost
from document_sync.handlers import DocumentLooks, Parts, RecordLooks
from document_sync.handlers.auditing import Auditor
from document_sync.settings import Settings
from document_sync.timers import Change
from kanzlei import remotes
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from synckit.buckets import Bucket, Charge
from synckit.clock import SystemClock
from synckit.http.remote_clocks import RemoteClocks
from synckit.http.wiring import HttpLimits, Quota, Wiring
from synckit.kafka.publisher import KafkaPublisher
from synckit.ports import Clock
from synckit.postgres.branch import branch_of
from synckit.postgres.clock import DatabaseClock
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_branch
from synckit.redis.buckets import RedisBuckets
from synckit.redis.locks import RedisLocks, connect, ping
from synckit.service import remote_metrics
from synckit.service.pool_metrics import watch_pool
from synckit.service.remote_trouble import BadRows, Credentials
from synckit.service.server import Check, Step
from synckit.service.startup import until_there

SPARE = 8
"""Connections to Redis beside those of the looks: health, prices, timers."""
BYTES_PRICE = 5.0
UPLOAD = "/v1/files"
WHAT_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        "espocrm": remotes.WHAT_TO_DO["espocrm"],
        FILES: "xAI refuses XAI_API_KEY: set it to an active key of console.x.ai, then restart",
        COLLECTIONS: (
            "xAI refuses XAI_MANAGEMENT_KEY: it is another key than XAI_API_KEY and needs AddFileToCollection and the "
            "rights of collections; set it, then restart"
        ),
    }
)
CREDENTIALS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"espocrm_credentials": ("espocrm",), "xai_credentials": (FILES, COLLECTIONS)}
)
LARGEST = 1024 * 1024 * 1024
WAIT_SECONDS = 30.0
"""A call that would have to wait longer for its turn is not made: the look comes again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that is opened and has to be closed, and the ports made of it."""

    clock: Clock
    time: DatabaseClock
    publisher: KafkaPublisher
    pool: PostgresPool
    redis: Redis
    locks: RedisLocks
    espocrm: EspoClient
    clients: tuple[XaiHost, XaiHost]
    calls: KafkaCalls
    lists: PostgresLists
    parts: Parts
    credentials: Credentials
    types: Mapping[str, RecordNames]

    @property
    def documents(self) -> DocumentLooks:
        return DocumentLooks(self.parts)

    @property
    def records(self) -> RecordLooks:
        return RecordLooks(self.parts)

    @property
    def auditor(self) -> Auditor:
        """For the command and for the nightly duty."""
        return Auditor(self.parts, WholeTables(self.pool, frozenset(self.types)), WholeXai(*self.clients))

    def checks(self) -> Sequence[Check]:
        """For readiness. That a remote is away is no reason; that it refuses our credentials is."""
        return (
            Check("kafka", self.publisher.ping),
            Check("database", self.pool.ping),
            Check("redis", partial(ping, self.redis)),
            *self.credentials.checks(),
        )

    async def schema_there(self) -> None:
        """Waits for the database, and hears its time; refuses a schema that is not ours."""
        await until_there("database", partial(ensure_branch, self.pool, branch_of("document_sync")), self.clock)
        await until_there("database", self.time.hear, self.clock)

    async def changed(self, kind: str, since: datetime) -> AsyncIterator[Change]:
        """`timers.Changed`."""
        names = self.types.get(kind)
        async for record_id, at, row in EspoStore(self.espocrm, kind).changed_since(
            since, (names.switch if names else "id",)
        ):
            yield Change(record_id, at, row.get(names.switch) is True if names else None)

    def closing(self) -> Sequence[Step]:
        """In turn."""
        return (
            self.publisher.stop,
            self.espocrm.close,
            *(client.close for client in self.clients),
            self.locks.released,
            self.redis.aclose,
            self.pool.close,
        )


def opened(settings: Settings) -> Opened:
    """All of one process. Call it inside the running event loop."""
    clock, database, own = SystemClock(), settings.database, settings.document_sync
    pool = PostgresPool(
        database.url.get_secret_value(),
        limits=PoolLimits(size=database.pool_size, statement=database.statement_seconds),
        application_name=settings.service,
    )
    watch_pool(pool)
    time = DatabaseClock(pool, clock)
    redis = connect(settings.redis.url.get_secret_value(), size=4 * own.max_in_flight + SPARE)
    credentials = Credentials(WHAT_TO_DO, CREDENTIALS, clock.monotonic)
    wiring = _wiring(settings, credentials, time)
    espocrm = EspoClient(settings.espocrm.base_url, _espo_auth(settings), wiring)
    clients = _xai(settings, wiring, redis, clock)
    publisher = KafkaPublisher(settings.kafka.access, client_id=settings.service)
    calls = KafkaCalls(publisher, time)
    locks = RedisLocks(redis, clock)
    parts = Parts(
        store=PostgresStore(pool),
        office=EspoOffice(espocrm, names_of(settings)),
        files=XaiFiles(clients[0]),
        collections=XaiCollections(clients[1]),
        spool=DiskSpool(
            EspoAttachments(espocrm), own.spool_dir, SpoolLimits(settings.xai.max_file_bytes, settings.xai.allowed)
        ),
        calls=calls,
        locks=locks,
        clock=time,
        dry=settings.xai.writes == "dry",
        observe=metrics.step,
    )
    return Opened(
        clock=clock,
        time=time,
        publisher=publisher,
        pool=pool,
        redis=redis,
        locks=locks,
        espocrm=espocrm,
        clients=clients,
        calls=calls,
        lists=PostgresLists(pool),
        parts=parts,
        credentials=credentials,
        types=names_of(settings),
    )


def names_of(settings: Settings) -> Mapping[str, RecordNames]:
    """Record type → its names."""
    return {
        kind: RecordNames(one.link, one.documents, one.switch, one.collection)
        for kind, one in sorted(settings.xai.record_types.items())
    }


def _wiring(settings: Settings, credentials: Credentials, time: DatabaseClock) -> Wiring:
    remote_metrics.expect("espocrm", FILES, COLLECTIONS)
    return Wiring(
        # A file of 48 MiB takes its time: what counts is that it goes on, not how long it lasts.
        limits=HttpLimits(concurrency=2 * settings.document_sync.max_in_flight, largest_answer=LARGEST, whole=240.0),
        on_call=remote_metrics.api_call,
        on_refused=credentials.refused,
        on_left_alone=credentials.refused,
        on_accepted=credentials.accepted,
        on_bad_row=BadRows().skipped,
        agent=f"{settings.service}/{socket.gethostname()}-{os.getpid()}",
        on_circuit=remote_metrics.circuit,
        clocks=RemoteClocks(time.now, remote_metrics.clock_skew),
    )


def _espo_auth(settings: Settings) -> EspoAuth:
    secret = settings.espocrm.hmac_secret_key
    return EspoAuth(settings.espocrm.api_key.get_secret_value(), secret.get_secret_value() if secret else None)


def _quota(settings: Settings, redis: Redis, clock: Clock, upstream: str) -> Quota:
    """In Redis, for all replicas: bytes cost more than the rest."""
    bucket = Bucket(f"{upstream}:all", settings.xai.per_second, max(settings.xai.burst, BYTES_PRICE))

    def price(method: str, path: str) -> Sequence[Charge]:
        return [bucket.charge(BYTES_PRICE if (method, path) == ("POST", UPLOAD) else 1.0)]

    return Quota(RedisBuckets(redis), price, clock.sleep, within=WAIT_SECONDS)


def _xai(settings: Settings, wiring: Wiring, redis: Redis, clock: Clock) -> tuple[XaiHost, XaiHost]:
    """Two hosts, two keys, two circuits."""
    section = settings.xai
    files = replace(wiring, quota=_quota(settings, redis, clock, FILES))
    collections = replace(wiring, quota=_quota(settings, redis, clock, COLLECTIONS))
    return (
        XaiHost(FILES, section.api_base_url, section.api_key, files),
        XaiHost(COLLECTIONS, section.management_base_url, section.management_key, collections),
    )
