"""Ids that we choose and marks that we leave: by them a create can be repeated and a copy is known as one. Pure.

Our own id is `a` and 39 hexadecimal digits: Google's alphabet has no w to z. In Google the mark names the event that it
was written for: on a copy the two differ. In Advoware it is the last line of the `notiz`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARK = "advo"
PREPARED = "advoPrep"
DIGITS = 39


def own_id(tenant: str, kuerzel: str, origin: str, generation: int = 0) -> str:
    """The id of a pair. `origin`: number of the Termin, or `g:` and the id of the event in which it was born."""
    told = hashlib.sha256(f"{tenant}|{kuerzel}|{origin}|{generation}".encode()).hexdigest()
    return f"a{told[:DIGITS]}"


def of_event(event_id: str) -> str:
    """`origin` of what was born in Google."""
    return f"g:{event_id}"


def calendar_mark(tenant: str, kuerzel: str) -> str:
    """The line in the description of a calendar by which it is found again."""
    return f"advoware-sync:{tenant}:{kuerzel}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What an event says of itself: the Termin, and the event that this was written for."""

    frnr: int
    event_id: str

    def __str__(self) -> str:
        return f"{self.frnr};{self.event_id};{_seal(self.frnr, self.event_id)}"


def mark_of(body: Mapping[str, Any]) -> Mark | None:
    """The mark of a body, whichever event it was written for. None where there is none that we made."""
    held = private_of(body).get(MARK)
    parts = held.split(";") if isinstance(held, str) else []
    if len(parts) != 3 or not parts[0].isascii() or not parts[0].isdigit() or len(parts[0]) > 18:
        return None
    frnr, event_id, seal = int(parts[0]), parts[1], parts[2]
    return Mark(frnr, event_id) if seal == _seal(frnr, event_id) else None


def private_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The private extended properties of a body."""
    extended = body.get("extendedProperties")
    private = extended.get("private") if isinstance(extended, Mapping) else None
    return dict(private) if isinstance(private, Mapping) else {}


def with_private(body: Mapping[str, Any], changes: Mapping[str, str | None]) -> dict[str, Any]:
    """The body with some private properties set, or taken out (None)."""
    extended = body.get("extendedProperties")
    kept = dict(extended) if isinstance(extended, Mapping) else {}
    private = {**private_of(body), **changes}
    kept["private"] = {name: value for name, value in private.items() if value is not None}
    return {**body, "extendedProperties": kept}


def _seal(frnr: int, event_id: str) -> str:
    return hashlib.sha256(f"{frnr}|{event_id}".encode()).hexdigest()[:12]
