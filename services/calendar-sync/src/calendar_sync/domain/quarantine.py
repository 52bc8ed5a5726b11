"""What waits for a person: deletions over the budget, and calendars that are lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calendar_sync.domain.memory import CalendarState, Diary, Row

LOST = "calendar_lost"


@dataclass(frozen=True, slots=True)
class Item:
    """One appointment on the list. Client data: for a person's eyes alone."""

    key: str
    what: str = field(repr=False)
    when: str = ""

    def as_json(self) -> dict[str, str]:
        return {"key": self.key, "what": self.what, "when": self.when}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One list. `digest` is what a person answers to; of a lost calendar it is `calendar_lost`."""

    kuerzel: str
    digest: str
    count: int
    since: datetime | None
    reason: str
    items: tuple[Item, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "kuerzel": self.kuerzel,
            "list": self.digest,
            "count": self.count,
            "since": self.since.isoformat() if self.since else None,
            "reason": self.reason,
            "items": [item.as_json() for item in self.items],
        }


def waiting(diary: Diary, rows: Sequence[Row]) -> Waiting | None:
    """None where nothing does. Without rows the list has no titles."""
    if diary.state is CalendarState.LOST:
        return Waiting(diary.kuerzel, LOST, 1, diary.listed_at, diary.reason or "Kalender fehlt")
    held = diary.held
    if held is None:
        return None
    known = {row.key: row for row in rows}
    listed = [(key, known.get(key.partition(":")[0])) for key in held.keys]
    items = tuple(_item(*each) for each in sorted(listed, key=_when))
    return Waiting(diary.kuerzel, held.digest, len(held.keys), held.since, "zu viele Löschungen in einem Lauf", items)


def _when(listed: tuple[str, Row | None]) -> tuple[str, str]:
    key, row = listed
    appointment = (row.left or row.right) if row is not None else None
    return appointment.start.isoformat() if appointment else "", key


def _item(key: str, row: Row | None) -> Item:
    appointment = (row.left or row.right) if row is not None else None
    if appointment is None:
        return Item(key, "?")
    return Item(key, appointment.title or "(ohne Titel)", f"{appointment.start:%d.%m.%Y %H:%M}")
