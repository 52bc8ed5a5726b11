"""Every topic name once, and which event goes where. Partitions and retention: `deploy/kafka/topics.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from synckit.events import dead_letter_topic

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

SOURCE_TOPICS = (*EVENT_TOPICS.values(), ENTITY_LINKS, CALENDAR_SYNC, ERSTGESPRAECH_CHECK)
"""What is consumed; each has a dead-letter topic of its own."""

ALL_TOPICS = frozenset({*SOURCE_TOPICS, *map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ})
"""Every topic there is. `deploy/kafka/topics.yaml` declares exactly these."""
