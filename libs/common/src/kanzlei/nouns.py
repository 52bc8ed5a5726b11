"""The catalogue of the office's nouns. Pure.

Topics, webhook paths, registration in EspoCRM, the link hook, what beteiligte-sync registers and what the ticker
watches are read from here, or a test compares them with it. A new synced noun is an entry, a folder and a golden pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WEBHOOK_PREFIX = "/vmh/webhook"
WEBHOOK_ACTIONS = ("create", "update", "delete")
RECORD_SYNC = "beteiligte-sync"
CALENDAR_SYNC = "calendar-sync"
DOCUMENT_SYNC = "document-sync"
ESPOCRM, ADVOWARE = "espocrm", "advoware"
"""Origins of events: which remote said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """`name` and `domain` as events say them, which are `<domain>.<name>.<action>`.

    `espocrm` is the entity type there, "" where it has none. `topic` is where its events go, keyed by the record's id,
    "" where only its links are told of. `path` is its word in a webhook's path, "" where EspoCRM's webhooks say nothing
    of it. `parent` is the noun whose row it is in Advoware. `owner` is the service that consumes the topic and answers
    for the records, "" where none does yet.
    """

    name: str
    domain: str = "vmh"
    espocrm: str = ""
    topic: str = ""
    path: str = ""
    actions: tuple[str, ...] = WEBHOOK_ACTIONS
    parent: str = ""
    owner: str = ""


NOUNS = (
    Noun(
        name="beteiligte",
        espocrm="CBeteiligte",
        topic="vmh.beteiligte",
        path="beteiligte",
        owner=RECORD_SYNC,
    ),
    Noun(
        name="bankverbindungen",
        espocrm="CBankverbindungen",
        topic="vmh.bankverbindungen",
        path="bankverbindungen",
        parent="beteiligte",
        owner=RECORD_SYNC,
    ),
    Noun(
        name="adressen",
        espocrm="CAdressen",
        topic="vmh.adressen",
        path="adressen",
        parent="beteiligte",
        owner=RECORD_SYNC,
    ),
    Noun(name="dokumente", espocrm="CDokumente", topic="vmh.dokumente", path="document", owner=DOCUMENT_SYNC),
    Noun(name="sammlungen", topic="vmh.sammlungen", actions=("sync_check",), owner=DOCUMENT_SYNC),
    Noun(name="raeumungsklagen", espocrm="CVmhRumungsklage"),
    Noun(
        name="erstgespraeche",
        espocrm="CVmhErstgespraech",
        topic="erstgespraech.check",
        actions=("check",),
        owner=RECORD_SYNC,
    ),
    Noun(name="accounts", espocrm="Account"),
    Noun(name="sync", domain="calendar", topic="calendar.sync", actions=("all", "employee"), owner=CALENDAR_SYNC),
)

BY_TYPE: Mapping[str, Noun] = MappingProxyType({noun.espocrm: noun for noun in NOUNS if noun.espocrm})
"""Entity type in EspoCRM → noun. All of them may be linked with one another."""

BY_TOPIC: Mapping[str, Noun] = MappingProxyType({noun.topic: noun for noun in NOUNS if noun.topic})
"""Topic → the noun whose events go there."""

BY_PATH: Mapping[str, Noun] = MappingProxyType({noun.path: noun for noun in NOUNS if noun.path})
"""Word in a webhook's path → noun."""


def owned_by(service: str) -> tuple[Noun, ...]:
    """The nouns whose records a service answers for; parents come before their children."""
    return tuple(sorted((noun for noun in NOUNS if noun.owner == service), key=lambda noun: bool(noun.parent)))


def synced_by(service: str) -> tuple[Noun, ...]:
    """Those of them that are made and changed on both sides: EspoCRM's webhooks tell of them."""
    return tuple(noun for noun in owned_by(service) if noun.path)
