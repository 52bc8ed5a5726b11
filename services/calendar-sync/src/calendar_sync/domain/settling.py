"""What a row says once a write was answered: the base is what a side stored, not what it was sent. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from calendar_sync.domain.desk_form import seen_at_desk
from calendar_sync.domain.google_form import seen_in_google
from calendar_sync.domain.identity import mark_of
from calendar_sync.domain.memory import Born, Row, State
from calendar_sync.domain.plan_value import Action, Step
from calendar_sync.domain.values import Event
from kanzlei.termine import Termin
from synckit.reconcile.plan import Canonical

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(days=1)
MOST_TRIES = 12


def is_its_own(row: Row, event: Event) -> bool:
    """False for an event of somebody else's under an id that we chose. An id that Google chose is that one event's."""
    mark = mark_of(event.body)
    return row.born is Born.GOOGLE or (mark is not None and mark.event_id == event.id)


def announced(step: Step, before: Row | None, now: datetime) -> Row:
    """The row as it is saved before a create. `before`: as it is remembered.

    An event that comes back under the id that it had may be found as it was, restored by a person: what both sides
    agreed on stays the base until our write is answered.
    """
    row = replace(step.row, state=State.CREATING, since=now)
    if step.action is not Action.INSERT_EVENT or before is None or not before.base_right:
        return row
    return replace(row, base_left=before.base_left, base_right=before.base_right, profile=before.profile)


def inserted(step: Step, event: Event) -> Row:
    """An event was made."""
    stored = seen_in_google(event).appointment.as_fields()
    return replace(step.row, state=State.LINKED, event_id=event.id, etag=event.etag, base_right=stored)


def adopted(row: Row, event: Event) -> Row:
    """It was there: made by an earlier try, or restored by a person. What it holds is still to be seen."""
    return replace(row, state=State.LINKED, event_id=event.id, etag=event.etag)


def posted(step: Step, termin: Termin, kuerzel: str) -> Row:
    """A Termin was made."""
    stored = seen_at_desk(termin, kuerzel).appointment.as_fields()
    return replace(step.row, state=State.LINKED, frnr=termin.frnr, row_id=termin.row_id, base_left=stored)


def put(row: Row, step: Step, termin: Termin, kuerzel: str) -> Row:
    """A Termin was changed: the fields of this write are agreed on."""
    stored = seen_at_desk(termin, kuerzel).appointment.as_fields()
    known = _settled(row, step, stored, step.other)
    return replace(known, row_id=termin.row_id)


def updated(row: Row, step: Step, event: Event) -> Row:
    """An event was changed."""
    stored = seen_in_google(event).appointment.as_fields()
    known = _settled(row, step, step.other, stored)
    return replace(known, etag=event.etag, profile=step.row.profile)


def parked(row: Row, reason: str, now: datetime) -> Row:
    """Not tried again for a while, longer each time."""
    wait = min(FIRST_WAIT * 2 ** min(row.tries, MOST_TRIES), LONGEST_WAIT)
    return row.parked(now + wait, reason)


def _settled(row: Row, step: Step, left: Canonical, right: Canonical) -> Row:
    return replace(
        row,
        base_left={**row.base_left, **{name: left[name] for name in step.fields}},
        base_right={**row.base_right, **{name: right[name] for name in step.fields}},
    )
