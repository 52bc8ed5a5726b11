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
