"""First consultations (Erstgespräche) that wait for another call: their words in EspoCRM, and the event that asks for a
look at one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kanzlei.nouns import BY_TOPIC
from kanzlei.topics import ERSTGESPRAECH_CHECK
from synckit import clamps
from synckit.errors import InvalidEvent
from synckit.events import ENTITY_ID, ChangeEvent

NOUN = BY_TOPIC[ERSTGESPRAECH_CHECK]
CHECK = "check"
STATUS, NEXT_CALL = "status", "nextCall"
WAITING, NEW = "Warten auf neuen Anruf", "Neu"
PART = "consultations"
"""What `python -m kanzlei.espocrm install --with` calls it."""


def check_event(record_id: str, origin: str, at: datetime, *, traceparent: str | None = None) -> ChangeEvent:
    """ "Look whether this one's time has come." """
    return ChangeEvent(NOUN.name, record_id, CHECK, origin, at, domain=NOUN.domain, traceparent=traceparent)


def accepts(event: ChangeEvent) -> None:
    """InvalidEvent for what the topic does not promise."""
    if (event.domain, event.entity, event.action) != (NOUN.domain, NOUN.name, CHECK):
        raise InvalidEvent(f"{event.type} does not belong on this topic")
    if not ENTITY_ID.match(event.entity_id):
        raise InvalidEvent("id is not 1 to 36 letters, digits, dashes")


def next_call(payload: Mapping[str, Any]) -> datetime | None:
    """When somebody wants to be called; None where there is no time that can be."""
    return clamps.moment(payload.get(NEXT_CALL))


def is_waiting(payload: Mapping[str, Any]) -> bool:
    """By its status alone. EspoCRM's own lists do not mind case and accents."""
    return payload.get(STATUS) == WAITING
