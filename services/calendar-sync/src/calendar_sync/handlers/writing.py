"""One step of a plan, carried out: repeated safely, confirmed before it deletes, and answered by a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from calendar_sync.domain.google_errors import IdTaken
from calendar_sync.domain.identity import MARK, Mark, own_id, with_private
from calendar_sync.domain.memory import Row
from calendar_sync.domain.plan_value import Action, Step
from calendar_sync.domain.scene import CHILDREN
from calendar_sync.domain.settling import adopted, inserted, is_its_own, posted, put, updated
from calendar_sync.domain.values import CalendarRef, Event, Rules
from calendar_sync.ports import Google
from kanzlei.termine import Appointments, Place
from synckit.errors import StaleVersion
from synckit.ports import Lease

MAPPED = frozenset({"summary", "description", "location", "start", "end", "recurrence"})
"""Attributes of an event that are written by us alone."""


class StillThere(StaleVersion):
    """What was to be deleted as gone elsewhere is there: nothing was deleted."""

    code = "still_there"


class Writing:
    """Carries steps out for one employee."""

    def __init__(self, google: Google, desk: Appointments, calendar: CalendarRef, rules: Rules, lease: Lease) -> None:
        self._google = google
        self._desk = desk
        self._calendar = calendar
        self._rules = rules
        self._lease = lease

    async def carry_out(self, step: Step, row: Row, controls: tuple[Place, ...]) -> Row:
        """The row afterwards. `row` is as it is known now: another step may have changed it."""
        match step.action:
            case Action.INSERT_EVENT:
                return await self._insert(step, row)
            case Action.POST_TERMIN:
                return await self._post(step)
            case Action.PUT_TERMIN:
                return await self._put(step, row)
            case Action.UPDATE_EVENT:
                update = self._google.update(self._calendar, step.row.event_id, step.body, step.etag)
                return updated(row, step, await self._lease.during(update))
            case Action.DELETE_EVENT:
                await self._delete_event(step, row, controls)
            case Action.DELETE_TERMIN:
                await self._delete_termin(step)
        return step.row

    async def _insert(self, step: Step, row: Row) -> Row:
        """By our own id. Taken by ours: adopted, or brought back where it is cancelled; by another's: a new id."""
        if step.row.kind in CHILDREN:
            return await self._brought_back(step)
        try:
            return inserted(step, await self._lease.during(self._google.insert(self._calendar, step.body)))
        except IdTaken:
            found = await self._google.event(self._calendar, step.row.event_id)
        if found is not None and found.is_cancelled:
            return inserted(step, await self._undeleted(step, found))
        if found is not None and is_its_own(step.row, found):
            return adopted(row, found)
        return await self._insert_anew(step)

    async def _insert_anew(self, step: Step) -> Row:
        generation = step.row.generation + 1
        event_id = own_id(self._rules.tenant, self._rules.kuerzel, step.row.origin, generation)
        body = with_private({**step.body, "id": event_id}, {MARK: str(Mark(step.row.frnr or 0, event_id))})
        event = await self._lease.during(self._google.insert(self._calendar, body))
        return replace(inserted(step, event), generation=generation)

    async def _brought_back(self, step: Step) -> Row:
        """An occurrence has no id of its own to be inserted by: the cancelled one is confirmed again."""
        found = await self._google.event(self._calendar, step.row.event_id)
        if found is None:
            raise StaleVersion("its series does not give this occurrence any more")
        return inserted(step, await self._undeleted(step, found))

    async def _undeleted(self, step: Step, found: Event) -> Event:
        # What it held of ours is not brought back with it: a profile may hide today what it showed then.
        kept = {name: value for name, value in found.body.items() if name not in MAPPED}
        body: Mapping[str, object] = {**kept, **step.body, "status": "confirmed"}
        return await self._lease.during(self._google.update(self._calendar, found.id, body, found.etag))

    async def _post(self, step: Step) -> Row:
        if step.values is None:
            raise ValueError("a POST without values")
        written = await self._lease.during(self._desk.create(step.values))
        row = posted(step, written.termin, self._rules.kuerzel)
        if step.is_copy:
            mark = {MARK: str(Mark(written.termin.frnr, row.event_id))}
            update = self._google.update(self._calendar, row.event_id, with_private(step.body, mark), step.etag)
            row = replace(row, etag=(await self._lease.during(update)).etag)
        return row

    async def _put(self, step: Step, row: Row) -> Row:
        if step.seen is None or step.values is None:
            raise ValueError("a PUT without what was seen")
        written = await self._lease.during(self._desk.replace(step.seen, step.values))
        return put(row, step, written.termin, self._rules.kuerzel)

    async def _delete_event(self, step: Step, row: Row, controls: tuple[Place, ...]) -> None:
        """Only once Advoware says, asked for this very number, that it is gone or somebody else's."""
        frnr = row.frnr
        if frnr is not None:
            day = row.left.start.date() if row.left is not None else row.day or date.min
            found = await self._desk.appointment(Place(frnr, self._rules.kuerzel, day), control=controls)
            if found is not None and self._is_mine(found.values.sb, found.values.anwalt):
                raise StillThere("the Termin is there")
        await self._lease.during(self._google.delete(self._calendar, step.row.event_id, step.etag))

    async def _delete_termin(self, step: Step) -> None:
        """Only once Google says, asked for this very event, that it is gone, and shows its calendar."""
        if step.seen is None:
            raise ValueError("a deletion without what was seen")
        if not step.is_exempt:
            found = await self._google.event(self._calendar, step.row.event_id)
            if found is not None and not found.is_cancelled:
                raise StillThere("the event is there")
            if found is None and not await self._google.reachable(self._calendar):
                raise StillThere("the calendar can't be seen")
        await self._lease.during(self._desk.delete(step.seen))

    def _is_mine(self, sb: str, anwalt: str) -> bool:
        return self._rules.kuerzel in (sb, anwalt)
