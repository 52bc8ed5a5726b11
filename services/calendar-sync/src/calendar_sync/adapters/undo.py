"""Puts back what this service wrote, on the side that it wrote; a run afterwards brings the other side in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from calendar_sync.adapters.wiring import Opened, rules_of
from calendar_sync.domain.block import Block, split
from calendar_sync.domain.desk_form import for_desk, new_at_desk, seen_at_desk
from calendar_sync.domain.google_form import for_google, seen_in_google
from calendar_sync.domain.memory import Diary, Row
from calendar_sync.domain.undo import Line, Reversal, lines, put_back, reversals
from calendar_sync.domain.values import Appointment, Event
from calendar_sync.settings import CalendarSection
from kanzlei.termine import Place, Termin
from synckit.errors import SyncError
from synckit.ports import Lease

GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class Standing:
    """One reversal, and what stands on its side now."""

    reversal: Reversal
    row: Row | None
    event: Event | None = None
    termin: Termin | None = None

    def now(self, kuerzel: str) -> Appointment | None:
        """None where nothing stands there."""
        if self.event is not None:
            before = self.row.right if self.row else None
            return None if self.event.is_cancelled else seen_in_google(self.event, before).appointment
        return seen_at_desk(self.termin, kuerzel).appointment if self.termin is not None else None


class Undo:
    """For one employee."""

    def __init__(self, parts: Opened, section: CalendarSection, kuerzel: str) -> None:
        self._parts = parts
        self._rules = rules_of(section, kuerzel)
        self._kuerzel = kuerzel

    async def look(self, since: datetime) -> Sequence[Standing]:
        """What was written since then, beside what stands there now. Writes nothing."""
        memory = await self._parts.store.peek(self._kuerzel)
        rows = {row.key: row for row in memory.rows}
        entries = await self._parts.store.journal(self._kuerzel, since)
        return [await self._stands(one, rows.get(one.key), memory.diary) for one in reversals(entries)]

    def lines(self, standing: Sequence[Standing]) -> Sequence[Line]:
        """For a person."""
        return [line for one in standing for line in lines(one.reversal, one.now(self._kuerzel))]

    async def carry_out(self, standing: Sequence[Standing], lease: Lease) -> int:
        """How many records were written. Each write holds only where nobody has written since we looked."""
        diary = (await self._parts.store.peek(self._kuerzel)).diary
        done = 0
        for one in standing:
            if any(not line.refused for line in lines(one.reversal, one.now(self._kuerzel))):
                done += await self._write(one, diary, lease)
        return done

    async def _stands(self, reversal: Reversal, row: Row | None, diary: Diary) -> Standing:
        if row is None:
            return Standing(reversal, None)
        if reversal.side == GOOGLE:
            event = await self._parts.port.event(diary.calendar, row.event_id) if diary.calendar else None
            return Standing(reversal, row, event=event)
        return Standing(reversal, row, termin=await self._termin(row))

    async def _termin(self, row: Row) -> Termin | None:
        left = row.left
        if row.frnr is None or (left is None and row.day is None):
            return None
        day = row.day or (left.start.date() if left else datetime.min.date())
        try:
            return await self._parts.appointments.appointment(Place(row.frnr, self._kuerzel, day))
        except SyncError:
            # Not to be told from gone: then nothing goes back.
            return None

    async def _write(self, one: Standing, diary: Diary, lease: Lease) -> int:
        now, row = one.now(self._kuerzel), one.row
        if now is not None:
            appointment, names = put_back(one.reversal, now)
            if one.reversal.side == GOOGLE:
                return await self._update_event(one, diary, appointment, names, lease)
            return await self._replace_termin(one, appointment, names, lease)
        if one.reversal.deleted is None or row is None:
            return 0
        appointment = Appointment.of_fields(one.reversal.deleted)
        if one.reversal.side != GOOGLE:
            await lease.during(self._parts.appointments.create(new_at_desk(appointment, Block(), self._kuerzel)))
            return 1
        if diary.calendar is None or one.event is None:
            return 0
        body = for_google(appointment, frozenset(appointment.as_fields()), self._rules.profile, one.event.body)
        body = {**body, "status": "confirmed"}
        await lease.during(self._parts.port.update(diary.calendar, one.event.id, body, one.event.etag))
        return 1

    async def _update_event(
        self, one: Standing, diary: Diary, appointment: Appointment, names: frozenset[str], lease: Lease
    ) -> int:
        if one.event is None or diary.calendar is None:
            return 0
        body = for_google(appointment, names, self._rules.profile, one.event.body)
        await lease.during(self._parts.port.update(diary.calendar, one.event.id, body, one.event.etag))
        return 1

    async def _replace_termin(
        self, one: Standing, appointment: Appointment, names: frozenset[str], lease: Lease
    ) -> int:
        if one.termin is None:
            return 0
        block = split(one.termin.values.notiz)[1]
        values = for_desk(appointment, block, names, one.termin)
        await lease.during(self._parts.appointments.replace(one.termin, values))
        return 1
