"""Every topic name, and which event goes where. Partitions and retention: `deploy/kafka/topics.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kanzlei.nouns import BY_PATH, NOUNS
from synckit.events import dead_letter_topic

EVENT_TOPICS: Mapping[str, str] = MappingProxyType({noun.name: noun.topic for noun in BY_PATH.values() if noun.topic})
"""Noun whose records EspoCRM's webhooks tell of → its topic, keyed by the record's id."""

BETEILIGTE = EVENT_TOPICS["beteiligte"]
DOKUMENTE = EVENT_TOPICS["dokumente"]
SAMMLUNGEN = "vmh.sammlungen"
"""Of records with a collection, keyed by type and id."""
ENTITY_LINKS = "vmh.entity-links"
CALENDAR_SYNC = "calendar.sync"
ERSTGESPRAECH_CHECK = "erstgespraech.check"
WEBHOOK_INGRESS_DLQ = "webhook-ingress.dlq"

SOURCE_TOPICS = (*(noun.topic for noun in NOUNS if noun.topic), ENTITY_LINKS)
"""What is consumed; each has a dead-letter topic of its own."""

ALL_TOPICS = frozenset({*SOURCE_TOPICS, *map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ})
"""Every topic there is. `deploy/kafka/topics.yaml` declares exactly these."""
