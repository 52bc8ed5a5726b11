"""The events of a calendar: found, made, changed, deleted, moved; series keep their exceptions as rows of their own."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.google import event_body, series, times
from sandbox.google.errors import (
    GoogleError,
    condition_not_met,
    deleted,
    duplicate,
    invalid,
    not_found,
    required,
)
from sandbox.google.event_body import PLAIN, Extras
from sandbox.google.event_fields import check_id
from sandbox.google.event_kinds import refused
from sandbox.google.world import Calendar, Event, World


class Events:
    """What the API's handlers and the page do. `by`: the account that acts. `etag`: of If-Match."""

    def __init__(self, world: World) -> None:
        self._world = world

    # -- reading ----------------------------------------------------------------------------------------------------

    def find(self, calendar: Calendar, event_id: str) -> Event:
        """Also a deleted one, and an occurrence that nobody has touched yet; 404 for what there never was."""
        known = calendar.events.get(event_id)
        if known is not None:
            return known
        parts = series.split_id(event_id)
        master = calendar.events.get(parts[0]) if parts else None
        if parts is None or master is None or master.cancelled or not master.body.get("recurrence"):
            raise not_found()
        original = series.original_of(master.body, parts[1])
        if original is None:
            raise not_found()
        return occurrence(master, original)

    # -- writing ----------------------------------------------------------------------------------------------------

    def insert(self, calendar: Calendar, body: Mapping[str, Any], by: str, extras: Extras = PLAIN) -> Event:
        """409 where the id is there, dead or alive, or the iCalUID of another event."""
        given_id, uid = body.get("id"), body.get("iCalUID")
        if given_id is not None and uid is not None:
            raise invalid("Only one of id and iCalUID may be specified.")
        event_id = check_id(given_id) if given_id is not None else new_id()
        if event_id in calendar.events or (uid is not None and self._of_uid(calendar, uid)):
            raise duplicate()
        kept = event_body.fresh(body, calendar, extras)
        return self._add(calendar, event_id, kept | {"iCalUID": str(uid or f"{event_id}@google.com")}, by)

    def import_(self, calendar: Calendar, body: Mapping[str, Any], by: str, extras: Extras = PLAIN) -> Event:
        """Another calendar's event, known by its iCalUID: the same one again is updated."""
        uid = body.get("iCalUID")
        if not isinstance(uid, str) or not uid:
            raise required("Missing iCalUID.")
        if body.get("eventType", "default") != "default":
            raise refused("Only events of type default can be imported.")
        known = self._of_uid(calendar, uid)
        given = {name: value for name, value in body.items() if name not in ("id", "sequence")}
        if known is not None:
            organizer = body.get("organizer", known.body["organizer"])
            known.body["organizer"] = {"email": organizer["email"]}
            owned = known.body | {"organizer": {"email": calendar.id}}
            kept = event_body.updated(owned, {"status": "confirmed"} | given | {"organizer": None}, calendar, extras)
            return self._store(calendar, known, kept | {"organizer": known.body["organizer"]}, by)
        kept = event_body.fresh(given, calendar, extras)
        organizer = body.get("organizer") or {}
        email = organizer.get("email", calendar.id) if isinstance(organizer, Mapping) else calendar.id
        return self._add(calendar, new_id(), kept | {"iCalUID": uid, "organizer": {"email": email}}, by)

    def update(
        self,
        calendar: Calendar,
        event_id: str,
        body: Mapping[str, Any],
        by: str,
        *,
        extras: Extras = PLAIN,
        etag: str | None = None,
    ) -> Event:
        """PUT. Of an occurrence it makes an exception; a deleted event lives again with `status: confirmed`."""
        event = self.find(calendar, event_id)
        check_etag(event, etag)
        if body.get("id") not in (None, event_id):
            raise invalid("Invalid resource id value.", "id")
        return self._store(calendar, event, event_body.updated(event.body, body, calendar, extras), by)

    def patch(
        self,
        calendar: Calendar,
        event_id: str,
        body: Mapping[str, Any],
        by: str,
        *,
        extras: Extras = PLAIN,
        etag: str | None = None,
    ) -> Event:
        """PATCH: what the body names is merged into what is there."""
        event = self.find(calendar, event_id)
        check_etag(event, etag)
        whole = event_body.patched(event.body, body)
        named = Extras(extras.conference and "conferenceData" in body, extras.attachments and "attachments" in body)
        return self._store(calendar, event, event_body.updated(event.body, whole, calendar, named), by)

    def delete(self, calendar: Calendar, event_id: str, by: str, etag: str | None = None) -> None:
        """A second time is 410. A series takes its exceptions along."""
        event = self.find(calendar, event_id)
        if event.cancelled:
            raise deleted()
        check_etag(event, etag)
        self._store(calendar, event, event.body | {"status": "cancelled"}, by)

    def move(self, calendar: Calendar, event_id: str, target: Calendar, by: str) -> Event:
        """Into another calendar, under the same id; only whole events of the kind `default`."""
        event = self.find(calendar, event_id)
        if event.cancelled:
            raise not_found()
        if event.master_id:
            raise invalid("Instances of recurring events cannot be moved.")
        if event.body["eventType"] != "default":
            raise refused("Only events of type default can be moved.")
        if event.body["organizer"]["email"] != calendar.id:
            raise GoogleError(403, "cannotChangeOrganizer", "Cannot change the organizer of an event.", "calendar")
        if event_id in target.events:
            raise duplicate()
        moved = [event, *calendar.exceptions(event_id)]
        for each in moved:
            body = each.body | {"organizer": {"email": target.id}}
            target.events[each.id] = self._fresh(each.id, body)
        self._store(calendar, event, event.body | {"status": "cancelled"}, by)
        self._world.changed(target, "event", event_id, "create", by, **event.body)
        return target.events[event_id]

    # -- keeping ----------------------------------------------------------------------------------------------------

    def _of_uid(self, calendar: Calendar, uid: Any) -> Event | None:
        own = (event for event in calendar.events.values() if not event.master_id)
        return next((event for event in own if event.body["iCalUID"] == uid), None)

    def _fresh(self, event_id: str, body: dict[str, Any]) -> Event:
        return Event(event_id, body, self._world.next_version(), self._world.next_seq())

    def _add(self, calendar: Calendar, event_id: str, kept: dict[str, Any], by: str) -> Event:
        now = times.stamp(self._world.clock())
        system = {"created": now, "updated": now, "creator": {"email": by}, "organizer": {"email": calendar.id}}
        event = self._fresh(event_id, system | kept)
        calendar.events[event_id] = event
        self._world.changed(calendar, "event", event_id, "create", by, **kept)
        return event

    def _store(self, calendar: Calendar, before: Event, kept: dict[str, Any], by: str) -> Event:
        """An unchanged event keeps its etag, as with Google; reminders alone do not move `updated`."""
        old = {name: value for name, value in before.body.items() if name != "updated"}
        new = {name: value for name, value in kept.items() if name != "updated"}
        if old == new and before.id in calendar.events:
            return before
        told = {name: new.get(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        moment = before.body["updated"] if set(told) == {"reminders"} else times.stamp(self._world.clock())
        event = self._fresh(before.id, new | {"updated": moment})
        calendar.events[before.id] = event
        if event.body.get("recurrence") or old.get("recurrence"):
            self._tidy_exceptions(calendar, event, told)
        action = "delete" if event.cancelled else "update"
        self._world.changed(calendar, "event", event.id, action, by, **told)
        return event

    def _tidy_exceptions(self, calendar: Calendar, master: Event, told: Mapping[str, Any]) -> None:
        """Exceptions outlive a change of their master, but not the end of the series or of their day in it."""
        if not set(told) & {"status", "start", "recurrence"}:
            return
        exceptions = calendar.exceptions(master.id)
        if master.cancelled or not master.body.get("recurrence"):
            for each in exceptions:
                del calendar.events[each.id]
            return
        days = {times.wall(original).date() for original in series.originals(master.body)}
        for each in exceptions:
            if times.wall(each.body["originalStartTime"]).date() in days:
                continue
            gone = self._fresh(each.id, each.body | {"status": "cancelled"})
            gone.hidden = each.cancelled
            calendar.events[each.id] = gone


def occurrence(master: Event, original: times.Time) -> Event:
    """One of a series that has nothing of its own yet."""
    body = {name: value for name, value in master.body.items() if name != "recurrence"}
    body |= {"start": original, "end": series.end_of(master.body, original)}
    body |= {"recurringEventId": master.id, "originalStartTime": original}
    return Event(series.instance_id(master.id, original), body, master.version, master.seq)


def check_etag(event: Event, etag: str | None) -> None:
    """412 where the caller has not seen the newest."""
    if etag not in (None, "*", event.etag):
        raise condition_not_met()


def new_id() -> str:
    """As Google chooses them: 26 characters of base32hex."""
    return base64.b32hexencode(uuid.uuid4().bytes).decode().rstrip("=").lower()
