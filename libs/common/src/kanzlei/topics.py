"""Every topic name, and which event goes where. Partitions and retention: `deploy/kafka/topics.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kanzlei.nouns import BY_TYPE, NOUNS
from synckit.events import dead_letter_topic

EVENT_TOPICS: Mapping[str, str] = MappingProxyType({noun.name: noun.topic for noun in BY_TYPE.values() if noun.topic})
"""Noun of an event about a record of EspoCRM → its topic, keyed by the record's id."""

BETEILIGTE = EVENT_TOPICS["beteiligte"]
DOKUMENTE = EVENT_TOPICS["dokumente"]
SAMMLUNGEN = "vmh.sammlungen"
"""Of records with a collection, keyed by type and id."""
ENTITY_LINKS = "vmh.entity-links"
CALENDAR_SYNC = "calendar.sync"
ERSTGESPRAECH_CHECK = "erstgespraech.check"
WEBHOOK_INGRESS_DLQ = "webhook-ingress.dlq"

SOURCE_TOPICS = (*(noun.topic for noun in NOUNS if noun.topic), ENTITY_LINKS, ERSTGESPRAECH_CHECK)
"""What is consumed; each has a dead-letter topic of its own."""

ALL_TOPICS = frozenset({*SOURCE_TOPICS, *map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ})
"""Every topic there is. `deploy/kafka/topics.yaml` declares exactly these."""
