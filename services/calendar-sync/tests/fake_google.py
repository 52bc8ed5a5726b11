"""Google's calendar in memory: the port, and what people do on its page. Effects pass named points of `Faults`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from calendar_sync.domain.google_errors import CalendarLost, IdTaken, SyncTokenDead
from calendar_sync.domain.google_form import occurrence_id, original_start, seen_in_google
from calendar_sync.domain.local_time import BERLIN, ZONE
from calendar_sync.domain.values import CalendarRef, Event, EventList
from synckit.errors import RemoteRejected, RemoteUnavailable, StaleVersion
from synckit.testing.faults import Faults


def _noon() -> datetime:
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class FakeGoogle:
    """`ports.Google` for any number of calendars. Events are stored as Google's bodies, deleted ones as cancelled.

    `hidden` are missing from lists, `poisonous` are refused by every write; `is_empty`: lists answer nothing;
    `lost` calendars are not there. `kill_tokens`: no list by a token of before. `writes` counts what was done.
    """

    now: Callable[[], datetime] = _noon
    faults: Faults = field(default_factory=Faults)
    stores: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    refs: dict[str, CalendarRef] = field(default_factory=dict)
    markers: dict[str, str] = field(default_factory=dict)
    rights: dict[str, dict[str, str]] = field(default_factory=dict)
    changed: dict[tuple[str, str], int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    poisonous: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    shown: set[tuple[str, str]] = field(default_factory=set)
    is_empty: bool = False
    token_life: int = 0
    calls: list[str] = field(default_factory=list)
    revision: int = 0
    writes: int = 0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # -- the port -----------------------------------------------------------------------------------------------------

    async def events(
        self, calendar: CalendarRef, sync_token: str | None, since: datetime, until: datetime
    ) -> EventList:
        self._asked("events", calendar)
        life, _, listed = (sync_token or "").partition(".")
        if sync_token and life != str(self.token_life):
            raise SyncTokenDead("the token is too old")
        stored = {} if self.is_empty else self._store(calendar)
        found = []
        for event_id, body in stored.items():
            if event_id in self.hidden:
                continue
            if sync_token:
                if self.changed[calendar.id, event_id] > int(listed):
                    found.append(self._event(calendar, event_id))
            elif self._is_listed(body) and self._touches(body, since):
                found.append(self._event(calendar, event_id))
        return EventList(tuple(found), f"{self.token_life}.{self.revision}", not sync_token)

    async def event(self, calendar: CalendarRef, event_id: str) -> Event | None:
        self._asked("event", calendar)
        return self._found(calendar, event_id)

    async def insert(self, calendar: CalendarRef, body: Mapping[str, Any]) -> Event:
        self._asked("insert", calendar)
        self.faults.at("google.insert.before")
        event_id = str(body["id"])
        if event_id in self._store(calendar):
            raise IdTaken("google", 409, "duplicate")
        self._ensure_sane(event_id, body)
        made = self._keep(calendar, event_id, {**body, "status": "confirmed"})
        self.writes += 1
        self.faults.at("google.insert.after")
        return made

    async def update(self, calendar: CalendarRef, event_id: str, body: Mapping[str, Any], etag: str) -> Event:
        self._asked("update", calendar)
        self.faults.at("google.update.before")
        known = self._found(calendar, event_id)
        if known is None:
            raise RemoteRejected("google", 404, "notFound")
        if known.etag != etag:
            raise StaleVersion("google: changed meanwhile")
        self._ensure_sane(event_id, body)
        kept = {name: known.body[name] for name in ("recurringEventId", "originalStartTime") if name in known.body}
        made = self._keep(calendar, event_id, {"status": "confirmed", **body, **kept, "id": event_id})
        self.writes += 1
        self.faults.at("google.update.after")
        return made

    async def delete(self, calendar: CalendarRef, event_id: str, etag: str) -> None:
        self._asked("delete", calendar)
        self.faults.at("google.delete.before")
        known = self._found(calendar, event_id)
        if known is not None and not known.is_cancelled:
            if known.etag != etag:
                raise StaleVersion("google: changed meanwhile")
            self._cancel(calendar, event_id)
            self.writes += 1
        self.faults.at("google.delete.after")

    async def instances(self, calendar: CalendarRef, master_id: str, original_start: str) -> Event | None:
        return self._found(calendar, occurrence_id(master_id, datetime.fromisoformat(original_start), all_day=False))

    async def reachable(self, calendar: CalendarRef) -> bool:
        self.calls.append("reachable")
        return calendar.id in self.stores and calendar.id not in self.lost

    async def find_calendar(self, marker: str) -> CalendarRef | None:
        self.calls.append("find_calendar")
        living = (self.refs[key] for key, told in self.markers.items() if told == marker and key not in self.lost)
        return next(living, None)

    async def create_calendar(self, summary: str, marker: str) -> CalendarRef:
        self.calls.append("create_calendar")
        self.faults.at("google.create_calendar.before")
        ref = CalendarRef(f"cal-{len(self.refs) + 1}", owner="rolle@kanzlei.example")
        self.refs[ref.id], self.markers[ref.id], self.stores[ref.id], self.rights[ref.id] = ref, marker, {}, {}
        self.faults.at("google.create_calendar.after")
        return ref

    async def share(self, calendar: CalendarRef, email: str, role: str) -> None:
        self.rights[calendar.id][email] = role

    async def unshare(self, calendar: CalendarRef, email: str) -> None:
        self.rights[calendar.id].pop(email, None)

    async def shared_with(self, calendar: CalendarRef) -> Mapping[str, str]:
        return self.rights[calendar.id]

    async def show_to(self, calendar: CalendarRef, email: str) -> None:
        self.shown.add((calendar.id, email))

    async def all_calendars(self) -> Sequence[CalendarRef]:
        return [ref for key, ref in self.refs.items() if key not in self.lost]

    # -- people on Google's page --------------------------------------------------------------------------------------

    def calendar_of(self, kuerzel: str) -> CalendarRef:
        """The one that is marked for this employee."""
        living = [key for key, told in self.markers.items() if told.endswith(f":{kuerzel}") and key not in self.lost]
        return self.refs[living[-1]]

    def enter(self, calendar: CalendarRef, **fields: Any) -> str:
        """A new event; its id is Google's."""
        event_id = f"g{next(self.numbers):06d}abcdefghijklmnopqrs"
        self._keep(calendar, event_id, {"status": "confirmed", "eventType": "default", **fields, "id": event_id})
        return event_id

    def edit(self, calendar: CalendarRef, event_id: str, **fields: Any) -> None:
        """Some fields of one, or of one occurrence; None takes a field out."""
        known = self._found(calendar, event_id)
        assert known is not None
        body = {name: value for name, value in {**known.body, **fields}.items() if value is not None}
        self._keep(calendar, event_id, body)

    def shift(self, calendar: CalendarRef, event_id: str, by: timedelta) -> None:
        """Another time, of the same length."""
        known = self._found(calendar, event_id)
        assert known is not None
        seen = seen_in_google(known).appointment
        prepared = timedelta(minutes=seen.preparation)
        if seen.all_day:
            days = timedelta(days=by.days)
            self.edit(calendar, event_id, **days_of(seen.start + days, seen.end + days))
        else:
            self.edit(calendar, event_id, **times_of(seen.start - prepared + by, seen.end + by))

    def copy(self, calendar: CalendarRef, event_id: str) -> str:
        """With all that it carries, marks included."""
        known = self._found(calendar, event_id)
        assert known is not None
        left_out = ("id", "status", "recurringEventId", "originalStartTime")
        return self.enter(calendar, **{name: value for name, value in known.body.items() if name not in left_out})

    def remove(self, calendar: CalendarRef, event_id: str) -> None:
        """Deletes one, a series as a whole, or cancels one occurrence."""
        self._cancel(calendar, event_id)

    def restore(self, calendar: CalendarRef, event_id: str) -> None:
        """Out of the bin."""
        self._keep(calendar, event_id, {**self._store(calendar)[event_id], "status": "confirmed"})

    def kill_tokens(self) -> None:
        """They are dead for good, as 410 says."""
        self.token_life += 1

    def living(self, calendar: CalendarRef) -> list[Event]:
        """All that a person sees, series as one."""
        return [
            self._event(calendar, key) for key, body in self._store(calendar).items() if body["status"] != "cancelled"
        ]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _asked(self, call: str, calendar: CalendarRef) -> None:
        self.calls.append(call)
        self.faults.at(f"google.{call}")
        if calendar.id in self.lost or calendar.id not in self.stores:
            raise CalendarLost("404")

    def _store(self, calendar: CalendarRef) -> dict[str, dict[str, Any]]:
        return self.stores[calendar.id]

    def _keep(self, calendar: CalendarRef, event_id: str, body: Mapping[str, Any]) -> Event:
        self.revision += 1
        self._store(calendar)[event_id] = {**copy.deepcopy(dict(body)), "updated": self.now().isoformat()}
        self.changed[calendar.id, event_id] = self.revision
        return self._event(calendar, event_id)

    def _event(self, calendar: CalendarRef, event_id: str) -> Event:
        body = copy.deepcopy(self._store(calendar)[event_id])
        return Event(event_id, f"e{self.changed[calendar.id, event_id]}", body, datetime.fromisoformat(body["updated"]))

    def _found(self, calendar: CalendarRef, event_id: str) -> Event | None:
        """Stored, or an occurrence that its series gives."""
        if event_id in self._store(calendar):
            return self._event(calendar, event_id)
        master_id, _, told = event_id.rpartition("_")
        body = self._store(calendar).get(master_id)
        if not told or body is None or body["status"] == "cancelled":
            return None
        master = self._event(calendar, master_id)
        seen = seen_in_google(master)
        prepared = timedelta(minutes=seen.appointment.preparation)
        first = seen.appointment.start - prepared
        for start in seen.rule.between(first, first + timedelta(days=1500)) if seen.rule else ():
            if occurrence_id(master_id, start, all_day=seen.appointment.all_day) == event_id:
                return self._instance(master, event_id, start)
        return None

    def _instance(self, master: Event, event_id: str, start: datetime) -> Event:
        seen = seen_in_google(master).appointment
        end = start + (seen.end - seen.start) + timedelta(minutes=seen.preparation)
        times = days_of(start, end) if seen.all_day else times_of(start, end)
        body = {name: value for name, value in master.body.items() if name != "recurrence"}
        body |= {**times, "id": event_id, "recurringEventId": master.id, "originalStartTime": times["start"]}
        return Event(event_id, f"i{master.etag}", body, master.updated)

    def _cancel(self, calendar: CalendarRef, event_id: str) -> None:
        known = self._found(calendar, event_id)
        assert known is not None
        self._keep(calendar, event_id, {**known.body, "status": "cancelled"})
        if known.is_series:
            for key, body in list(self._store(calendar).items()):
                if body.get("recurringEventId") == event_id:
                    self._keep(calendar, key, {**body, "status": "cancelled"})

    def _ensure_sane(self, event_id: str, body: Mapping[str, Any]) -> None:
        if event_id in self.poisonous:
            raise RemoteRejected("google", 400, "invalid")
        if set(event_id) - set("abcdefghijklmnopqrstuv0123456789_TZ"):
            raise RemoteRejected("google", 400, "invalid id")
        if "attendees" in body and event_id.startswith("a"):
            raise RemoteUnavailable("google", "an attendee of ours")
        seen = seen_in_google(Event(event_id, "", body)).appointment
        if not seen.all_day and seen.end <= seen.start and not body.get("recurringEventId"):
            raise RemoteRejected("google", 400, "timeRangeEmpty")

    @staticmethod
    def _is_listed(body: Mapping[str, Any]) -> bool:
        return body["status"] != "cancelled" or "recurringEventId" in body

    @staticmethod
    def _touches(body: Mapping[str, Any], since: datetime) -> bool:
        if body.get("recurrence") or original_start(body) is not None:
            return True
        seen = seen_in_google(Event("", "", body)).appointment
        return seen.last_moment.replace(tzinfo=BERLIN) >= since


def times_of(start: datetime, end: datetime) -> dict[str, Any]:
    """Local wall times as Google holds them."""
    return {"start": _time(start), "end": _time(end)}


def days_of(first: datetime, last: datetime) -> dict[str, Any]:
    """Whole days, the last one included."""
    after = last.date() + timedelta(days=1)
    return {"start": {"date": first.date().isoformat()}, "end": {"date": after.isoformat()}}


def _time(local: datetime) -> dict[str, Any]:
    return {"dateTime": local.replace(tzinfo=BERLIN).isoformat(), "timeZone": ZONE}
