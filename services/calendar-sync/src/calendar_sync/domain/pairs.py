"""One pair that is remembered: what its two sides show, and what follows. Pure.

Absence is a question, not an answer: what a list does not show is asked for by its id before anything is deleted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from calendar_sync.domain.announced import looked_for
from calendar_sync.domain.desk_form import DeskView
from calendar_sync.domain.google_form import GoogleView
from calendar_sync.domain.memory import Born, Kind, Row, State
from calendar_sync.domain.merge import has_changed
from calendar_sync.domain.pair_steps import (
    back_at_desk,
    back_in_google,
    delete_event,
    delete_termin,
    left_out,
    merged,
    remember,
)
from calendar_sync.domain.scene import CHILDREN, NOTHING, Ask, Part, Scene
from calendar_sync.domain.settling import is_its_own
from calendar_sync.domain.sides import GONE, UNREADABLE, UNSEEN, Absent
from calendar_sync.domain.values import Strategy

KEPT_GONE = timedelta(days=180)
Left = DeskView | Absent
Right = GoogleView | Absent


def decide_pair(scene: Scene, row: Row) -> Part:
    """All that is to be done for this pair now."""
    if row.due is not None and row.due > scene.now:
        return Part(parked=((row.key, row.reason),))
    left, right = scene.desk.view(row.frnr), scene.right(row)
    if UNREADABLE in (left, right):
        return Part(parked=((row.key, "ist dort nicht lesbar"),))
    match row.state:
        case State.GONE:
            return _gone(scene, row, left, right)
        case State.DECLINED:
            return _declined(scene, row, left, right)
        case State.CREATING:
            return _announced(scene, row, left, right)
    if row.kind is Kind.EXPANDED:
        return _expanded(scene, row, left, right)
    is_cancelled_occurrence = row.kind is Kind.EXCEPTION and row.frnr is None
    return NOTHING if is_cancelled_occurrence else linked(scene, row, left, right)


def linked(scene: Scene, row: Row, left: Left, right: Right, was: Row | None = None) -> Part:
    """Both sides of a pair. `was`: as it is stored, where this look has learned something of it."""
    ask = _questions(scene, row, left, right)
    if ask:
        return Part(ask=ask)
    if isinstance(left, DeskView):
        return _at_desk(scene, row, left, right, was or row)
    if left is UNSEEN:
        if scene.desk.is_doubtful and scene.should_be_listed(row.left):
            return Part(waiting=((row.key, "Advowares Liste war unvollständig"),))
        return remember(scene, row, State.SLEEPING, was or row)
    if right is GONE:
        return remember(scene, replace(row, since=scene.now), State.GONE, was or row)
    return _gone_at_desk(scene, row, right)


def _at_desk(scene: Scene, row: Row, left: DeskView, right: Right, was: Row) -> Part:
    """It stands in Advoware."""
    if not scene.is_mine(left.termin):
        return _reassigned(scene, row, left, right)
    if right is GONE:
        return _gone_in_google(scene, row, left)
    return merged(scene, row, left, right if isinstance(right, GoogleView) else None, was)


def _questions(scene: Scene, row: Row, left: Left, right: Right) -> Ask:
    """What must be known before anything can follow."""
    left_out_fields = left_out(scene, row, left, right)
    right_moved = isinstance(right, GoogleView) and has_changed(row.base_right, right.appointment, left_out_fields)
    asks_left = left is UNSEEN and (
        right is GONE or right_moved or (scene.should_be_listed(row.left) and not scene.desk.is_doubtful)
    )
    listed = scene.google.items.get(row.event_id)
    is_tombstone = listed is not None and listed.is_cancelled and row.event_id not in scene.google.asked
    absent = right is UNSEEN and scene.google.list.full and row.kind is not Kind.OCCURRENCE
    asks_right = row.event_id not in scene.google.asked and (
        is_tombstone
        or (right is UNSEEN and (left is GONE or asks_left))
        or (absent and (scene.should_be_listed(row.right) or isinstance(left, DeskView)))
    )
    return Ask(
        termine=(row.frnr,) if asks_left and row.frnr is not None else (),
        events=(row.event_id,) if asks_right and row.event_id else (),
    )


def _gone_at_desk(scene: Scene, row: Row, right: Right) -> Part:
    """Deleted at a desk. An edit in Google wins, unless Advoware is the source and the source decides."""
    if not isinstance(right, GoogleView) or not right.event.etag:
        return Part(ask=Ask(events=(row.event_id,)))
    edited = has_changed(row.base_right, right.appointment, left_out(scene, row, GONE, right))
    source_decides = row.born is Born.ADVOWARE and scene.rules.strategy is Strategy.SOURCE
    if row.key in scene.memory.diary.rejected or (edited and not source_decides):
        return back_at_desk(scene, row, right)
    return delete_event(scene, row, right, "in Advoware gelöscht")


def _gone_in_google(scene: Scene, row: Row, left: DeskView) -> Part:
    """Deleted in Google. What was born there goes at the desk as well; Advoware's own comes back, as the rules say."""
    values = left.termin.values
    if row.key in scene.memory.diary.rejected:
        return back_in_google(scene, row, left)
    if values.sb and values.anwalt and values.sb != values.anwalt and row.kind not in CHILDREN:
        told = replace(row, since=scene.now, base_left=left.appointment.as_fields())
        return remember(scene, told, State.DECLINED, row)
    edited = has_changed(row.base_left, left.appointment)
    if row.born is Born.GOOGLE or row.kind in CHILDREN:
        comes_back = edited and scene.rules.strategy is Strategy.LATEST
    else:
        comes_back = edited or not scene.rules.deletes_all
    if comes_back:
        return back_in_google(scene, row, left)
    return delete_termin(scene, row, left, "in Google gelöscht")


def _reassigned(scene: Scene, row: Row, left: DeskView, right: Right) -> Part:
    """Given to somebody else: taken from this calendar once it stands in the other one."""
    frnr = left.termin.frnr
    if right is GONE:
        return remember(scene, replace(row, since=scene.now), State.GONE, row)
    if frnr not in scene.desk.holders:
        return Part(ask=Ask(holders=(frnr,)))
    if not scene.desk.holders[frnr]:
        return Part(waiting=((row.key, "steht noch in keinem anderen Kalender"),))
    if not isinstance(right, GoogleView) or not right.event.etag:
        return Part(ask=Ask(events=(row.event_id,)))
    return delete_event(scene, row, right, "anderem Mitarbeiter übergeben", is_exempt=True)


def _gone(scene: Scene, row: Row, left: Left, right: Right) -> Part:
    """A pair that had come to its end: restored by a person, or forgotten in time."""
    if isinstance(left, DeskView) and isinstance(right, GoogleView) and scene.is_mine(left.termin):
        return linked(scene, replace(row, state=State.LINKED), left, right, row)
    if isinstance(right, GoogleView) and row.kind not in CHILDREN:
        if not right.appointment.touches(scene.window):
            return NOTHING
        if row.frnr is not None and row.frnr not in scene.desk.asked:
            return Part(ask=Ask(termine=(row.frnr,)))
        return back_at_desk(scene, row, right) if left is GONE or row.frnr is None else NOTHING
    if isinstance(left, DeskView) and scene.is_mine(left.termin) and row.kind not in CHILDREN:
        return back_in_google(scene, row, left)
    is_old = row.since is not None and scene.now - row.since > KEPT_GONE
    return Part(removed=(row.key,)) if is_old else NOTHING


def _declined(scene: Scene, row: Row, left: Left, right: Right) -> Part:
    """Taken out of the own calendar: back where its time changes, or where the person restores it."""
    if left is UNSEEN:
        asks = scene.should_be_listed(row.left) and not scene.desk.is_doubtful
        return Part(ask=Ask(termine=() if row.frnr is None else (row.frnr,))) if asks else NOTHING
    if left is GONE or (isinstance(left, DeskView) and not scene.is_mine(left.termin)):
        return remember(scene, replace(row, since=scene.now), State.GONE, row)
    if not isinstance(left, DeskView):
        return NOTHING
    if isinstance(right, GoogleView):
        return linked(scene, replace(row, state=State.LINKED), left, right, row)
    before = row.left
    moved = before is not None and (before.start, before.end) != (left.appointment.start, left.appointment.end)
    return back_in_google(scene, row, left) if moved else NOTHING


def _announced(scene: Scene, row: Row, left: Left, right: Right) -> Part:
    """A create that may have been made."""
    if row.frnr is None:
        return _announced_at_desk(scene, row, right)
    return _announced_in_google(scene, row, left, right)


def _announced_in_google(scene: Scene, row: Row, left: Left, right: Right) -> Part:
    """An insert that may have been made."""
    if left is UNSEEN and row.frnr is not None:
        return Part(ask=Ask(termine=(row.frnr,)))
    if right is UNSEEN or (right is GONE and row.event_id not in scene.google.asked):
        return Part(ask=Ask(events=(row.event_id,)))
    known = replace(row, state=State.LINKED)
    if isinstance(right, GoogleView):
        if not is_its_own(row, right.event):
            return back_in_google(scene, row, left) if isinstance(left, DeskView) else NOTHING
        return linked(scene, known, left, right, row)
    was_made = scene.google.event(row.event_id) is not None and bool(row.etag)
    if was_made or not isinstance(left, DeskView):
        return linked(scene, known, left, right, row)
    return back_in_google(scene, row, left)


def _announced_at_desk(scene: Scene, row: Row, right: Right) -> Part:
    """A POST that may have been made: its mark is looked for, in the list and in the list of that day again."""
    found = looked_for(scene, row)
    if isinstance(found, Part):
        return found
    if found is not None:
        known = replace(row, state=State.LINKED, frnr=found)
        return linked(scene, known, scene.desk.view(found), right, row)
    if right is UNSEEN:
        return Part(ask=Ask(events=(row.event_id,))) if row.event_id not in scene.google.asked else NOTHING
    if isinstance(right, GoogleView):
        return back_at_desk(scene, row, right)
    return remember(scene, replace(row, since=scene.now), State.GONE, row)


def _expanded(scene: Scene, row: Row, left: Left, right: Right) -> Part:
    """A series that Advoware can't hold, as a whole: its occurrences are pairs of their own."""
    if right is GONE:
        if row.frnr is not None and isinstance(left, DeskView):
            return delete_termin(scene, row, left, "in Google gelöscht")
        return remember(scene, replace(row, since=scene.now), State.GONE, row)
    listed = scene.google.items.get(row.event_id)
    is_absent = right is UNSEEN and row.event_id not in scene.google.asked
    if is_absent and (scene.google.list.full or (listed is not None and listed.is_cancelled)):
        return Part(ask=Ask(events=(row.event_id,)))
    children = scene.children.get(row.key, ())
    if row.frnr is None or any(each.state is State.CREATING for each in children):
        return NOTHING
    if isinstance(left, DeskView):
        return delete_termin(scene, row, left, "als Einzeltermine eingetragen", is_exempt=True)
    return remember(scene, replace(row, frnr=None), State.LINKED, row) if left is GONE else NOTHING
