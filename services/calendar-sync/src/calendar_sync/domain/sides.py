"""What a run has seen of both sides, and what it was told of single records since. Frozen facts, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cached_property
from typing import Final

from calendar_sync.domain.desk_form import DeskView, seen_at_desk
from calendar_sync.domain.google_form import GoogleView, original_start, seen_in_google
from calendar_sync.domain.values import Appointment, Event, EventList
from kanzlei.termine import Termin, TerminList


class Absent(Enum):
    """GONE: asked for by its id, and not there any more. UNSEEN: nobody asked. UNREADABLE: there, and nothing more."""

    GONE = "gone"
    UNSEEN = "unseen"
    UNREADABLE = "unreadable"


GONE: Final = Absent.GONE
UNSEEN: Final = Absent.UNSEEN
UNREADABLE: Final = Absent.UNREADABLE


@dataclass(frozen=True)
class DeskSide:
    """Advoware's list of the window. `asked`: single Termine since, None for one that is gone for certain.

    `days` were listed again, for marks. `is_doubtful`: the list lacked what is there, so it proves no absence.
    `holders`: other employees in whose calendars a Termin stands already.
    """

    kuerzel: str
    list: TerminList
    asked: Mapping[int, Termin | None] = field(default_factory=dict)
    days: Mapping[date, TerminList] = field(default_factory=dict)
    is_doubtful: bool = False
    holders: Mapping[int, frozenset[str]] = field(default_factory=dict)
    unreadable: frozenset[int] = frozenset()

    def view(self, frnr: int | None) -> DeskView | Absent:
        """One Termin now."""
        if frnr is None:
            return UNSEEN
        if frnr in self.asked:
            found = self.asked[frnr]
            return GONE if found is None else seen_at_desk(found, self.kuerzel)
        if frnr in self.views:
            return self.views[frnr]
        return UNREADABLE if frnr in self.list.unreadable or frnr in self.unreadable else UNSEEN

    @cached_property
    def views(self) -> Mapping[int, DeskView]:
        """By number: all of the list, and of the days that were listed again."""
        told = [*self.list.termine, *(each for day in self.days.values() for each in day.termine)]
        return {each.frnr: seen_at_desk(each, self.kuerzel) for each in told}

    @cached_property
    def marked(self) -> Mapping[str, tuple[int, ...]]:
        """Mark → numbers of the Termine that carry it."""
        found: dict[str, tuple[int, ...]] = {}
        for frnr, view in self.views.items():
            if view.block.mark:
                found[view.block.mark] = (*found.get(view.block.mark, ()), frnr)
        return found


@dataclass(frozen=True)
class GoogleSide:
    """Google's list. `asked`: single events since, None for one that is not there."""

    list: EventList
    asked: Mapping[str, Event | None] = field(default_factory=dict)

    def view(self, event_id: str, before: Appointment | None = None) -> GoogleView | Absent:
        """One event now. A tombstone in the list is only believed once it was asked for."""
        if not event_id:
            return UNSEEN
        if event_id in self.asked:
            asked = self.asked[event_id]
            return GONE if asked is None or asked.is_cancelled else _seen(asked, before)
        listed = self.items.get(event_id)
        return UNSEEN if listed is None or listed.is_cancelled else _seen(listed, before)

    def event(self, event_id: str) -> Event | None:
        """As it was read last, deleted ones too."""
        return self.asked.get(event_id) or self.items.get(event_id)

    @cached_property
    def items(self) -> Mapping[str, Event]:
        """By id."""
        return {each.id: each for each in self.list.items}

    @cached_property
    def exceptions(self) -> Mapping[str, Mapping[datetime, Event]]:
        """Master's id → the start that the occurrence would have → the exception."""
        found: dict[str, dict[datetime, Event]] = {}
        for each in {**self.items, **{one.id: one for one in self.asked.values() if one}}.values():
            at = original_start(each.body) if each.master_id else None
            if at is not None:
                found.setdefault(each.master_id, {})[at] = each
        return found


def _seen(event: Event, before: Appointment | None) -> GoogleView | Absent:
    try:
        return seen_in_google(event, before)
    except ValueError:
        return UNREADABLE
