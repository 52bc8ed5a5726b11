"""On which days a series does not take place as it says: what a person changed or cancelled in Google. Pure."""

from __future__ import annotations

from datetime import date, datetime

from calendar_sync.domain.desk_form import DeskView
from calendar_sync.domain.google_form import GoogleView, seen_in_google
from calendar_sync.domain.memory import Kind, Row, State
from calendar_sync.domain.scene import Scene, occurrence_of
from calendar_sync.domain.values import Appointment, Event


def omitted_days(scene: Scene, row: Row, left: DeskView, right: GoogleView | None) -> tuple[date, ...]:
    """The days for the lines in the `notiz` of a series."""
    if row.kind is not Kind.SERIES:
        return ()
    days = {each.original.date() for each in exceptions_of(scene, row) if each.original is not None}
    undone = set(undone_exceptions(scene, row, right))
    days |= {at.date() for at in new_exceptions(scene, row, right)}
    if right is not None and right.rule is not None:
        days |= set(right.rule.omitted())
    else:
        days |= set(left.block.omitted)
    return tuple(sorted(days - {at.date() for at in undone}))


def unknown_days(scene: Scene, row: Row, left: DeskView) -> frozenset[date]:
    """Days that the `notiz` of a series leaves out and of which no row tells: Google has no exception of them."""
    known = {each.original.date() for each in exceptions_of(scene, row) if each.original is not None}
    return frozenset(left.block.omitted) - known


def exceptions_of(scene: Scene, row: Row) -> tuple[Row, ...]:
    """Those that are remembered."""
    rows = scene.children.get(row.key, ())
    return tuple(each for each in rows if each.kind is Kind.EXCEPTION and each.state is not State.GONE)


def new_exceptions(scene: Scene, row: Row, right: GoogleView | None) -> dict[datetime, Event]:
    """Original start → the event, of those that nobody remembers yet."""
    known = {each.original for each in exceptions_of(scene, row)}
    return {at: event for at, event in _differing(scene, row, right).items() if at not in known}


def become_exceptions(scene: Scene, row: Row, right: GoogleView | None) -> tuple[Row, ...]:
    """Of a series that is no longer expanded: the occurrences that a person had changed keep their Termine."""
    changed = _differing(scene, row, right)
    rows = scene.children.get(row.key, ())
    return tuple(each for each in rows if each.kind is Kind.OCCURRENCE and each.original in changed)


def undone_exceptions(scene: Scene, row: Row, right: GoogleView | None) -> tuple[datetime, ...]:
    """Original starts of remembered ones that are as the series says again."""
    seen = scene.google.exceptions.get(row.event_id, {})
    known = {each.original for each in exceptions_of(scene, row)}
    return tuple(
        at for at, event in seen.items() if at in known and right is not None and not _differs(event, at, right)
    )


def _differing(scene: Scene, row: Row, right: GoogleView | None) -> dict[datetime, Event]:
    seen = scene.google.exceptions.get(row.event_id, {})
    return {at: event for at, event in seen.items() if _differs(event, at, right)}


def _differs(event: Event, original: datetime, right: GoogleView | None) -> bool:
    """Cancelled, moved or changed."""
    if event.is_cancelled or right is None:
        return True
    try:
        own = seen_in_google(event).appointment
    except ValueError:
        return True
    return _compared(own) != _compared(occurrence_of(right.appointment, original))


def _compared(each: Appointment) -> tuple[object, ...]:
    return each.title, each.notes, each.place, each.start, each.end, each.all_day
