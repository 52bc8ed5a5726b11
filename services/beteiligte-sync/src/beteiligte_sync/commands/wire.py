"""Composition root of the command: settings in, sources and hands out. Nothing connects before it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from beteiligte_sync.commands.entities import Entity
from kanzlei.advoware.children import AdvowareChildren
from kanzlei.advoware.client import AdvowareBeteiligteStore
from kanzlei.espocrm.client import EspoStore
from kanzlei.settings import AdvowareSection, EspoCrmSection
from kanzlei.topics import EVENT_TOPICS
from kanzlei.wiring import Connections, connections
from recordsync.explain.commands import CommandPorts
from recordsync.explain.gather import Side, Sources
from recordsync.mapping.field import EntityMapping
from recordsync.postgres.brake import PostgresBrakes
from recordsync.postgres.inspect import PostgresInspector
from recordsync.postgres.links import PostgresLinkStore
from synckit.kafka.inspect import KafkaInspector
from synckit.operator import whoami
from synckit.ports import Clock
from synckit.redis.inspect import RedisLockInspector
from synckit.redis.locks import LockTimes, RedisLocks
from synckit.service.settings import DatabaseSection, KafkaSection, RedisSection, ServiceSettings

LOCK_WAIT = 20.0
"""Seconds that a command waits for a running sync of its record; longer than a lock lives that nobody renews."""


class Settings(ServiceSettings):
    """The same variables as the services'."""

    service: ClassVar[str] = "why"
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    espocrm: EspoCrmSection
    advoware: AdvowareSection


@dataclass(frozen=True, slots=True)
class Desk:
    """What one call of the command works with."""

    sources: Sources
    opened: Connections
    ports: CommandPorts


@asynccontextmanager
async def desk(settings: Settings, entity: Entity, clock: Clock) -> AsyncIterator[Desk]:
    """Closes what it opened."""
    mapping = entity.mapping
    opened = connections(settings, clock, service=settings.service, at_once=4)
    sources = Sources(
        left=EspoStore(opened.espocrm, mapping.left_type),
        right=_right(mapping, opened),
        memory=PostgresInspector(opened.pool, mapping.entity),
        locks=RedisLockInspector(opened.redis),
        topics=KafkaInspector(settings.kafka.access, client_id=settings.service),
        clock=clock,
        topic=EVENT_TOPICS[mapping.entity],
        group=entity.service,
        brakes=PostgresBrakes(opened.pool),
    )
    locks = RedisLocks(opened.redis, clock, times=LockTimes(wait=LOCK_WAIT))
    ports = CommandPorts(
        links=PostgresLinkStore(opened.pool, mapping.entity),
        locks=locks,
        publisher=opened.publisher,
        clock=clock,
        topic=EVENT_TOPICS[mapping.entity],
        who=whoami(),
    )
    try:
        yield Desk(sources, opened, ports)
    finally:
        await locks.released()
        for step in opened.closing():
            await step()


def _right(mapping: EntityMapping, opened: Connections) -> Side:
    if mapping.child_of is not None:
        return AdvowareChildren(opened.advoware, mapping.right_type, mapping.child_of)
    return AdvowareBeteiligteStore(opened.advoware)
