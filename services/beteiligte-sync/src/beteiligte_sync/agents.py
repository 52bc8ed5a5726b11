"""What comes in by Kafka: the agents take records off the stream, the executors do the rest."""

from __future__ import annotations

from beteiligte_sync.entities.registry import REGISTRY
from synckit.mapping.field import EntityMapping
from synckit.runtime.faust_adapter import SafeApp, keyed_agent
from synckit.runtime.worker import KeyedExecutor
from synckit.topics import EVENT_TOPICS

TOPICS = tuple(EVENT_TOPICS[mapping.entity] for mapping in REGISTRY)


def attach(app: SafeApp, mapping: EntityMapping, executor: KeyedExecutor) -> None:
    """Feeds an entity's topic to its executor."""
    keyed_agent(app, EVENT_TOPICS[mapping.entity], executor)
