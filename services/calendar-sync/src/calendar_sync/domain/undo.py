"""What it takes to put back what this service wrote since a moment: field by field, only where it still stands. Pure.

A field goes back on the side that we wrote, to what was there before our first write since then. The run after that
brings the other side in step, by its own plan and budget, as after a person's change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calendar_sync.domain.memory import JournalEntry
from calendar_sync.domain.values import LABELS, Appointment

WRITE, DELETE = "write", "delete"
SIDES = {"google": "Google", "advoware": "Advoware"}


@dataclass(frozen=True, slots=True)
class Reversal:
    """Of one pair on one side. `wanted` is what each field gets again, `standing` what must still be there.

    `deleted`: what the record held when we deleted it; then it is made again.
    """

    key: str
    side: str
    wanted: Mapping[str, Any] = field(default_factory=dict, repr=False)
    standing: Mapping[str, Any] = field(default_factory=dict, repr=False)
    deleted: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plan, for a person. `refused`: why it does not go back, "" where it does."""

    key: str
    side: str
    name: str
    now: Any = field(default=None, repr=False)
    then: Any = field(default=None, repr=False)
    refused: str = ""

    def as_json(self) -> dict[str, Any]:
        told = {"key": self.key, "side": self.side, "field": self.name, "refused": self.refused}
        return {**told, "now": _shown(self.now), "then": _shown(self.then)}

    @property
    def label(self) -> str:
        return LABELS.get(self.name, "Termin")


def reversals(entries: Iterable[JournalEntry]) -> tuple[Reversal, ...]:
    """`entries` oldest first. What we made since then is left: to take it away again is a person's decision."""
    found: dict[tuple[str, str], Reversal] = {}
    for entry in entries:
        place = (entry.key, entry.side)
        known = found.get(place, Reversal(*place))
        if entry.action == DELETE:
            found[place] = replace(known, deleted=_as_fields(entry.before))
        elif entry.action == WRITE and entry.field:
            found[place] = replace(
                known,
                wanted={entry.field: entry.before, **known.wanted},
                standing={**known.standing, entry.field: entry.after},
            )
        else:
            # Made anew by us since: what was deleted before is there again, and fields of it are of the new one.
            found.pop(place, None)
    return tuple(found.values())


def lines(reversal: Reversal, now: Appointment | None) -> tuple[Line, ...]:
    """What would go back, and what not. `now`: what stands on that side; None where nothing does."""
    key, side = reversal.key, reversal.side
    if reversal.deleted is not None:
        there = "ist wieder da" if now is not None else ""
        return (Line(key, side, "", None, reversal.deleted.get("title"), there),)
    if now is None:
        return tuple(Line(key, side, name, None, then, "ist gelöscht") for name, then in reversal.wanted.items())
    held = now.as_fields()
    return tuple(
        Line(key, side, name, held[name], then, "" if held[name] == reversal.standing[name] else "seither geändert")
        for name, then in reversal.wanted.items()
        if held[name] != then
    )


def put_back(reversal: Reversal, now: Appointment) -> tuple[Appointment, frozenset[str]]:
    """The appointment with what goes back, and the names of its fields."""
    names = frozenset(line.name for line in lines(reversal, now) if not line.refused)
    fields = {**now.as_fields(), **{name: reversal.wanted[name] for name in names}}
    return Appointment.of_fields(fields), names


def _as_fields(before: Any) -> Mapping[str, Any]:
    return before if isinstance(before, Mapping) else {}


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)
