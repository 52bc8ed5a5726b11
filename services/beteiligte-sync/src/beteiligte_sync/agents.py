"""What comes in by Kafka: the agents take records off the stream, the executors do the rest."""

from __future__ import annotations

from beteiligte_sync.entities.registry import REGISTRY
from kanzlei.topics import ENTITY_LINKS, ERSTGESPRAECH_CHECK, EVENT_TOPICS
from recordsync.mapping.field import EntityMapping
from synckit.faust import SafeApp, keyed_agent
from synckit.worker import KeyedExecutor

TOPICS = (*(EVENT_TOPICS[mapping.entity] for mapping in REGISTRY), ENTITY_LINKS, ERSTGESPRAECH_CHECK)


def attach(app: SafeApp, mapping: EntityMapping, executor: KeyedExecutor) -> None:
    """Feeds an entity's topic to its executor."""
    executor.takes_only(mapping.entity)
    keyed_agent(app, EVENT_TOPICS[mapping.entity], executor)


def attach_links(app: SafeApp, executor: KeyedExecutor) -> None:
    """Feeds the links of all records to an executor of their own, which passes on what concerns us."""
    keyed_agent(app, ENTITY_LINKS, executor)


def attach_consultations(app: SafeApp, executor: KeyedExecutor) -> None:
    """Feeds what the ticker says of Erstgespräche to an executor of their own."""
    keyed_agent(app, ERSTGESPRAECH_CHECK, executor)
