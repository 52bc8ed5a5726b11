"""The occurrences of a series that are pairs of their own: exceptions, and all of a series that is expanded. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta

from calendar_sync.domain.announced import looked_for
from calendar_sync.domain.desk_form import DeskView
from calendar_sync.domain.google_form import GoogleView, occurrence_id, seen_in_google
from calendar_sync.domain.identity import of_event, own_id
from calendar_sync.domain.memory import Born, Kind, Row, State
from calendar_sync.domain.pair_steps import back_at_desk, delete_termin, remember
from calendar_sync.domain.scene import CHILDREN, NOTHING, Ask, Part, Scene, occurrence_of
from calendar_sync.domain.series_days import become_exceptions, exceptions_of, new_exceptions, undone_exceptions
from calendar_sync.domain.sides import GONE, UNSEEN
from calendar_sync.domain.values import Event


def occurrences(scene: Scene, row: Row, *, ends: bool) -> Iterable[Part]:
    """What follows for the occurrences of one series, besides what follows for each pair. `ends`: it is deleted."""
    right = scene.right(row)
    if ends:
        yield from _ended(scene, row)
    elif row.kind is Kind.EXPANDED and isinstance(right, GoogleView) and right.rule is not None:
        yield from expanded(scene, row, right)
    elif row.kind is Kind.SERIES and right is not GONE:
        yield from _exceptions(scene, row, right if isinstance(right, GoogleView) else None)
    if not ends and row.kind is not Kind.EXPANDED:
        yield from _single_ones(scene, row, right if isinstance(right, GoogleView) else None)


def ended_before(scene: Scene, row: Row) -> tuple[Ask, tuple[Row, ...]]:
    """Of a series whose end was under way when a person restored it: what must be asked, and what has ended already.

    A Termin that is gone was deleted with the series, by us: that says nothing about its occurrence.
    """
    if row.state is not State.GONE:
        return Ask(), ()
    made = [child for child in scene.children.get(row.key, ()) if child.frnr is not None]
    unseen = tuple(child.frnr for child in made if child.frnr is not None and scene.desk.view(child.frnr) is UNSEEN)
    gone = (child for child in made if scene.desk.view(child.frnr) is GONE)
    return Ask(termine=unseen), tuple(replace(child, state=State.GONE, since=scene.now) for child in gone)


def is_held_again(scene: Scene, row: Row) -> bool:
    """True for an expanded series whose rule Advoware can have now."""
    right = scene.right(row)
    return row.kind is Kind.EXPANDED and row.frnr is None and isinstance(right, GoogleView) and right.is_held


def skips_pair(scene: Scene, row: Row) -> bool:
    """True for an occurrence of which the series as a whole decides."""
    parent = scene.rows.get(row.parent)
    if row.kind not in CHILDREN or parent is None:
        return False
    if parent.state is State.GONE or scene.right(parent) is GONE or scene.desk.view(parent.frnr) is GONE:
        return True
    if row.kind is Kind.OCCURRENCE and parent.kind is not Kind.EXPANDED:
        return True
    master = scene.right(parent)
    return isinstance(master, GoogleView) and row.original in undone_exceptions(scene, parent, master)


def _ended(scene: Scene, row: Row) -> Iterable[Part]:
    """The series is no more: neither is what was made of its occurrences."""
    for child in scene.children.get(row.key, ()):
        yield _end(scene, child, "die Serie wurde gelöscht")


def _end(scene: Scene, child: Row, reason: str) -> Part:
    if child.state is State.CREATING and child.frnr is None and child.mark:
        found = looked_for(scene, child)
        if isinstance(found, Part):
            return found
        child = replace(child, frnr=found, state=State.CREATING if found is None else State.LINKED)
    left = scene.desk.view(child.frnr)
    if child.state is State.GONE and not isinstance(left, DeskView):
        return NOTHING
    if child.frnr is None or left is GONE:
        return remember(scene, replace(child, since=scene.now), State.GONE, child)
    if left is UNSEEN:
        return Part(ask=Ask(termine=(child.frnr,)))
    if isinstance(left, DeskView):
        return delete_termin(scene, child, left, reason, is_exempt=True, ends=True)
    return NOTHING


def _exceptions(scene: Scene, row: Row, master: GoogleView | None) -> Iterable[Part]:
    new = new_exceptions(scene, row, master)
    seen = scene.google.exceptions.get(row.event_id, {})
    is_unknown = master is None and any(not event.is_cancelled for event in seen.values())
    if is_unknown and row.event_id not in scene.google.asked:
        yield Part(ask=Ask(events=(row.event_id,)))
        return
    changed = become_exceptions(scene, row, master)
    known = {child.original for child in changed}
    for at, event in new.items():
        if at not in known:
            yield _new_child(scene, row, at, event, Kind.EXCEPTION)
    for child in changed:
        yield remember(scene, replace(child, kind=Kind.EXCEPTION), child.state, child)
    undone = undone_exceptions(scene, row, master)
    for child in exceptions_of(scene, row):
        if child.original in undone:
            yield _end(scene, child, "Ausnahme in Google zurückgenommen")
        else:
            yield _takes_place_again(scene, row, child)


def _single_ones(scene: Scene, row: Row, master: GoogleView | None) -> Iterable[Part]:
    """What a series was expanded into ends once it stands in Advoware as one Termin."""
    if row.frnr is None or row.state is State.CREATING:
        return
    kept = become_exceptions(scene, row, master) if row.kind is Kind.SERIES else ()
    for child in scene.children.get(row.key, ()):
        if child.kind is Kind.OCCURRENCE and child not in kept:
            yield _end(scene, child, "Advoware kann die Serie jetzt abbilden")


def _takes_place_again(scene: Scene, row: Row, child: Row) -> Part:
    """A cancelled occurrence that a person brought back, at another time or with another text."""
    if child.frnr is not None or child.state is not State.LINKED or child.original is None:
        return NOTHING
    seen = scene.google.exceptions.get(row.event_id, {}).get(child.original)
    if seen is None or seen.is_cancelled:
        return NOTHING
    return _taken_up(scene, child, seen)


def expanded(scene: Scene, row: Row, master: GoogleView) -> Iterable[Part]:
    """Single Termine for the days ahead."""
    known = {child.original for child in scene.children.get(row.key, ())}
    first = datetime.combine(scene.today, time())
    last = first + timedelta(days=scene.rules.expand_days + 1, seconds=-1)
    changed = scene.google.exceptions.get(row.event_id, {})
    try:
        starts = master.rule.between(first, last) if master.rule is not None else ()
    except ValueError:
        yield Part(parked=((row.key, "die Wiederholung ist nicht lesbar"),))
        return
    for at in starts:
        if at in known:
            continue
        event = changed.get(at)
        if event is None:
            appointment = occurrence_of(master.appointment, at)
            told = occurrence_id(row.event_id, at, all_day=appointment.all_day)
            view = GoogleView(Event(told, "", {}), appointment, is_private=master.is_private)
            yield back_at_desk(scene, _child(scene, row, at, told, Kind.OCCURRENCE), view)
        elif not event.is_cancelled:
            yield _new_child(scene, row, at, event, Kind.OCCURRENCE)


def _new_child(scene: Scene, row: Row, at: datetime, event: Event, kind: Kind) -> Part:
    return _taken_up(scene, _child(scene, row, at, event.id, kind), event)


def _taken_up(scene: Scene, child: Row, event: Event) -> Part:
    if event.is_cancelled:
        return remember(scene, child, State.LINKED, replace(child, state=State.CREATING))
    try:
        return back_at_desk(scene, replace(child, state=State.CREATING), seen_in_google(event))
    except ValueError:
        return Part(parked=((child.key, "ist in Google nicht lesbar"),))


def _child(scene: Scene, row: Row, at: datetime, event_id: str, kind: Kind) -> Row:
    origin = f"{of_event(row.event_id)}#{at.isoformat()}"
    key = own_id(scene.rules.tenant, scene.kuerzel, origin)
    return Row(
        key,
        Born.GOOGLE,
        State.CREATING,
        kind,
        event_id=event_id,
        origin=origin,
        parent=row.key,
        original=at,
        profile=scene.rules.profile.value,
    )
