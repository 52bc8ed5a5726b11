"""Every topic name once, and which event goes where. Partitions and retention: `deploy/kafka/topics.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BETEILIGTE = "vmh.beteiligte"
BANKVERBINDUNGEN = "vmh.bankverbindungen"
ADRESSEN = "vmh.adressen"
DOKUMENTE = "vmh.dokumente"
ENTITY_LINKS = "vmh.entity-links"
CALENDAR_SYNC = "calendar.sync"
ERSTGESPRAECH_CHECK = "erstgespraech.check"
WEBHOOK_INGRESS_DLQ = "webhook-ingress.dlq"

EVENT_TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "beteiligte": BETEILIGTE,
        "bankverbindungen": BANKVERBINDUNGEN,
        "adressen": ADRESSEN,
        "dokumente": DOKUMENTE,
    }
)
"""Noun of an event → its topic, keyed by the record's id."""


def dead_letter_topic(topic: str) -> str:
    """Where a record of `topic` goes that can't be handled."""
    return f"{topic}.dlq"


SOURCE_TOPICS = (*EVENT_TOPICS.values(), ENTITY_LINKS, CALENDAR_SYNC, ERSTGESPRAECH_CHECK)
"""What is consumed; each has a dead-letter topic of its own."""

ALL_TOPICS = frozenset({*SOURCE_TOPICS, *map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ})
"""Every topic there is. `deploy/kafka/topics.yaml` declares exactly these."""

APPLY_COMMAND = "python -m synckit.topics apply"
