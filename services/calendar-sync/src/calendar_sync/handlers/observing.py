"""Both sides, read whole; and single records where the plan asks for them. Any error ends the run: nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial

from calendar_sync.domain.google_errors import CalendarLost, SyncTokenDead
from calendar_sync.domain.local_time import as_moment, as_wall
from calendar_sync.domain.memory import Kind, Memory, Row, State
from calendar_sync.domain.plan_value import Plan
from calendar_sync.domain.planning import draft
from calendar_sync.domain.scene import Ask
from calendar_sync.domain.sides import DeskSide, GoogleSide
from calendar_sync.domain.values import CalendarRef, EventList, Rules, Window
from calendar_sync.ports import Google, StateStore
from kanzlei.termine import FEW, Appointments, Place, Termin, TerminList, Unreadable
from synckit.errors import Implausible

TOKEN_AGE = timedelta(days=1)
"""After so long the whole window is listed again: it has moved on, and new days of it are to be seen."""
ROUNDS = 8
CONTROLS = 3
LAST_SECOND = time(23, 59, 59)


class Observing:
    """Reads for one run."""

    def __init__(self, google: Google, desk: Appointments, store: StateStore, memory: Memory, rules: Rules) -> None:
        self._google = google
        self._desk = desk
        self._store = store
        self._memory = memory
        self._rules = rules
        self._rows = {row.frnr: row for row in memory.rows if row.frnr is not None}
        self._window = rules.window(as_wall(memory.now).date())
        self._is_reachable = False

    async def planned(self, calendar: CalendarRef | None) -> Plan:
        """The plan, with all answered that it asks for."""
        desk = DeskSide(self._rules.kuerzel, await self._listed())
        google = GoogleSide(await self._changes(calendar))
        made = draft(self._memory, desk, google, self._rules)
        for _ in range(ROUNDS):
            if not made.ask:
                break
            desk, google = await self._answered(made.ask, desk, google, calendar)
            made = draft(self._memory, desk, google, self._rules)
        return made.plan

    async def _listed(self) -> TerminList:
        known = sum(1 for row in self._memory.rows if self._is_known(row))
        window = self._window
        return await self._desk.appointments(self._rules.kuerzel, window.start, window.end, known=known)

    def _is_known(self, row: Row) -> bool:
        """A Termin that a list must show. Occurrences go with their series: many of them may be gone at once."""
        left = row.left
        is_whole = row.state is State.LINKED and row.frnr is not None and not row.parent
        return is_whole and left is not None and self._window.narrowed().holds(left)

    async def _changes(self, calendar: CalendarRef | None) -> EventList:
        """By token; the whole window where there is none, where it has died, or where it is not enough."""
        if calendar is None:
            return EventList(())
        span = self._moments(self._window)
        if self._has_token():
            try:
                changes = await self._google.events(calendar, self._memory.diary.token, *span)
                if not self._needs_all(changes):
                    return changes
            except SyncTokenDead:
                pass
        return await self._plausible(calendar, await self._google.events(calendar, None, *span))

    def _has_token(self) -> bool:
        diary, rules = self._memory.diary, self._rules
        is_fresh = diary.listed_at is not None and self._memory.now - diary.listed_at < TOKEN_AGE
        same = (diary.days, diary.profile) == ((rules.past_days, rules.future_days), rules.profile.value)
        announced = any(row.state is State.CREATING for row in self._memory.rows)
        return bool(diary.token) and is_fresh and same and not announced

    def _needs_all(self, changes: EventList) -> bool:
        """An expanded series has changed: all its exceptions are needed to see what it is now."""
        expanded = {row.event_id for row in self._memory.rows if row.kind is Kind.EXPANDED}
        return any(each.id in expanded for each in changes.items)

    async def _plausible(self, calendar: CalendarRef, listed: EventList) -> EventList:
        """None instead of many is only believed where some of them are gone indeed."""
        known = [row for row in self._memory.rows if self._is_known(row) and row.event_id and not row.parent]
        if len(known) <= FEW or any(not each.is_cancelled for each in listed.items):
            return listed
        for row in known[: FEW + 1]:
            found = await self._google.event(calendar, row.event_id)
            if found is not None and not found.is_cancelled:
                raise Implausible("google", f"an empty list instead of {len(known)}")
        return listed

    async def _answered(
        self, ask: Ask, desk: DeskSide, google: GoogleSide, calendar: CalendarRef | None
    ) -> tuple[DeskSide, GoogleSide]:
        desk = await self._termine(ask, desk)
        for day in ask.days:
            whole = partial(datetime.combine, day)
            found = await self._desk.appointments(self._rules.kuerzel, whole(time()), whole(LAST_SECOND))
            if not found.termine and not desk.list.termine:
                # Nothing at all is shown: in an outage, a POST that was made would be repeated.
                await self._desk.employees()
            desk = replace(desk, days={**desk.days, day: found})
        if ask.holders:
            found_holders = await self._store.holders(ask.holders, self._rules.kuerzel)
            told = {frnr: found_holders.get(frnr, frozenset()) for frnr in ask.holders}
            desk = replace(desk, holders={**desk.holders, **told})
        asked = dict(google.asked)
        if calendar is None:
            return desk, google
        for event_id in ask.events:
            asked[event_id] = await self._google.event(calendar, event_id)
            if asked[event_id] is None:
                await self._ensure_reachable(calendar)
        return desk, replace(google, asked=asked)

    async def _termine(self, ask: Ask, desk: DeskSide) -> DeskSide:
        """One by one. The first that is there although the list lacks it ends it: that list proves nothing."""
        asked, unreadable = dict(desk.asked), set(desk.unreadable)
        is_doubtful = desk.is_doubtful
        control = [each.place for each in desk.list.termine[:CONTROLS]]
        for frnr in ask.termine:
            try:
                asked[frnr] = found = await self._desk.appointment(self._place(frnr), control=control)
            except Unreadable:
                unreadable.add(frnr)
                continue
            if found is not None and self._should_be_listed(found):
                is_doubtful = True
                break
        return replace(desk, asked=asked, is_doubtful=is_doubtful, unreadable=frozenset(unreadable))

    def _should_be_listed(self, found: Termin) -> bool:
        values, window = found.values, self._window.narrowed()
        is_mine = self._rules.kuerzel in (values.sb, values.anwalt)
        return is_mine and not values.dauertermin and window.start <= values.datum <= window.end

    def _place(self, frnr: int) -> Place:
        row = self._rows.get(frnr)
        left = row.left if row is not None else None
        day = left.start.date() if left is not None else as_wall(self._memory.now).date()
        return Place(frnr, self._rules.kuerzel, day)

    async def _ensure_reachable(self, calendar: CalendarRef) -> None:
        """What is not there counts as gone only while its calendar can be seen."""
        if self._is_reachable:
            return
        if not await self._google.reachable(calendar):
            raise CalendarLost("the calendar is gone or closed to us")
        self._is_reachable = True

    @staticmethod
    def _moments(window: Window) -> tuple[datetime, datetime]:
        return as_moment(window.start).astimezone(UTC), as_moment(window.end).astimezone(UTC)
