"""What comes in by Kafka: the agent takes records off the stream, the executor does the rest."""

from __future__ import annotations

from synckit import topics
from synckit.runtime.faust_adapter import SafeApp, keyed_agent
from synckit.runtime.worker import KeyedExecutor

TOPICS = (topics.BETEILIGTE,)


def attach(app: SafeApp, executor: KeyedExecutor) -> None:
    """Feeds every topic of this service to the executor."""
    for topic in TOPICS:
        keyed_agent(app, topic, executor)
