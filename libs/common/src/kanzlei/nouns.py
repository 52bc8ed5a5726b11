"""The nouns of the office: their types in EspoCRM and their words in the webhooks' paths. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noun:
    """`name` as events and topics say it, `espocrm` the entity type there, `path` its word in a webhook's path."""

    name: str
    espocrm: str
    path: str


NOUNS = (
    Noun("beteiligte", "CBeteiligte", "beteiligte"),
    Noun("bankverbindungen", "CBankverbindungen", "bankverbindungen"),
    Noun("adressen", "CAdressen", "adressen"),
    Noun("dokumente", "CDokumente", "document"),
)
WEBHOOK_PREFIX = "/vmh/webhook"
WEBHOOK_ACTIONS = ("create", "update", "delete")
