"""events.list and events.instances: what is asked, which events that is, and in which pages they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from multidict import MultiMapping

from sandbox.google import event_view, series, times
from sandbox.google.errors import GoogleError, full_sync_required, invalid
from sandbox.google.events import occurrence
from sandbox.google.list_tokens import Mark, Place, encoded, read_mark, read_place
from sandbox.google.world import Calendar, Event, World

NOT_WITH_SYNC = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
NO_TOKEN_AFTER = tuple(name for name in NOT_WITH_SYNC if name != "timeMin")
DEFAULT_RESULTS, MOST_RESULTS = 250, 2500
HISTORY = timedelta(days=30)
AHEAD = timedelta(days=730)
REPORTED_AHEAD = timedelta(days=183)
"""How far a deleted series' occurrences are reported where occurrences are asked for."""


@dataclass(frozen=True)
class Asked:
    """The query of a list."""

    single: bool
    deleted: bool
    types: tuple[str, ...]
    least: datetime | None
    most: datetime | None
    updated_least: datetime | None
    order: str
    zone: str | None
    words: str
    uid: str | None
    properties: tuple[tuple[str, str, str], ...]

    @property
    def fingerprint(self) -> str:
        """What has to be the same for a sync as it was for the list."""
        return json.dumps([self.single, self.types])


def asked(query: MultiMapping[str]) -> Asked:
    """400 for what can't be asked, or not together."""
    _check_sync(query)
    least, most, since = (_moment(query, name) for name in ("timeMin", "timeMax", "updatedMin"))
    if least and most and least >= most:
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.", "calendar")
    single, order = flag(query, "singleEvents"), query.get("orderBy", "")
    if order not in ("", "startTime", "updated"):
        raise invalid(parameter="orderBy")
    if order == "startTime" and not single:
        raise invalid("The requested ordering is not available for the particular query.", "orderBy")
    zone = query.get("timeZone")
    return Asked(
        single=single,
        deleted=flag(query, "showDeleted") or "syncToken" in query or since is not None,
        types=tuple(sorted(_types(query))),
        least=least,
        most=most,
        updated_least=since,
        order=order,
        zone=times.zone_of(zone).key if zone else None,
        words=query.get("q", "").casefold(),
        uid=query.get("iCalUID"),
        properties=tuple(_properties(query)),
    )


def _check_sync(query: MultiMapping[str]) -> None:
    if "syncToken" not in query:
        return
    for name in NOT_WITH_SYNC:
        if name in query:
            raise invalid(f"{name} cannot be specified together with syncToken.", name)
    if query.get("showDeleted") == "false":
        raise invalid("showDeleted cannot be false together with syncToken.", "showDeleted")


def _types(query: MultiMapping[str]) -> list[str]:
    kinds = ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation")
    given = query.getall("eventTypes", [])
    if any(each not in kinds for each in given):
        raise invalid(parameter="eventTypes")
    return given


def _properties(query: MultiMapping[str]) -> Iterator[tuple[str, str, str]]:
    for part in ("private", "shared"):
        for each in query.getall(f"{part}ExtendedProperty", []):
            key, separator, value = each.partition("=")
            if not separator:
                raise invalid(parameter=f"{part}ExtendedProperty")
            yield part, key, value


def flag(query: MultiMapping[str], name: str) -> bool:
    """A boolean parameter, false where it is not there."""
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise invalid(parameter=name)
    return value == "true"


def results(query: MultiMapping[str], default: int = DEFAULT_RESULTS, most: int = MOST_RESULTS) -> int:
    """How many a page has at most."""
    value = query.get("maxResults", str(default))
    if not value.isdecimal() or int(value) < 1:
        raise invalid(parameter="maxResults")
    return min(int(value), most)


def _moment(query: MultiMapping[str], name: str) -> datetime | None:
    if name not in query:
        return None
    found = times.rfc3339(query[name], invalid(parameter=name))
    if found.tzinfo is None:
        raise invalid(parameter=name)
    return found


class Lister:
    """`empty_pages`: the second page of a long list is empty although more follow, as Google's may be."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.empty_pages = True
        self.page_limit = MOST_RESULTS

    def events(self, calendar: Calendar, query: MultiMapping[str], email: str) -> dict[str, Any]:
        """One page of events."""
        wanted = asked(query)
        if wanted.updated_least and wanted.updated_least < self._world.clock() - HISTORY:
            message = "The requested minimum modification time lies too far in the past."
            raise GoogleError(410, "updatedMinTooLongAgo", message, "calendar", where=("parameter", "updatedMin"))
        now = self._mark(calendar, wanted)
        place = self._continue(calendar, query, now) if query.get("pageToken") else self._begin(calendar, query, now)
        events = self._chosen(calendar, wanted, place.since)

        def row(event: Event) -> dict[str, Any]:
            if event.cancelled:
                return event_view.tombstone(event, calendar, wanted.zone)
            return event_view.shown(event, calendar, email, wanted.zone)

        token_after = not any(name in query for name in NO_TOKEN_AFTER)
        page = self._page(_sorted(events, wanted.order, calendar.zone), place, results(query), row)
        if "nextPageToken" not in page and token_after:
            page["nextSyncToken"] = encoded(place.mark)
        return _head(calendar, email, wanted.zone) | page

    def chosen(self, calendar: Calendar, query: MultiMapping[str]) -> list[Event]:
        """What a list of this query has, whole."""
        wanted = asked(query)
        rows = _sorted(self._chosen(calendar, wanted, None), wanted.order, calendar.zone)
        return [event for _, event in rows]

    def instances(self, calendar: Calendar, master: Event, query: MultiMapping[str], email: str) -> dict[str, Any]:
        """One page of a series' occurrences, each of which may be an exception."""
        wanted = asked(query)
        now = Mark(f"{calendar.id} {master.id}", calendar.epoch, self._world.seq, wanted.fingerprint, self._now())
        place = read_place(query["pageToken"], now) if query.get("pageToken") else Place(now, [], 1, None)
        events = [
            event for event in self._occurrences(calendar, master, wanted) if wanted.deleted or not event.cancelled
        ]
        original = query.get("originalStart")
        if original is not None:
            events = [event for event in events if _begins(event, original)]

        def row(event: Event) -> dict[str, Any]:
            return event_view.shown(event, calendar, email, wanted.zone)

        page = self._page(_sorted(events, "startTime", calendar.zone), place, results(query), row)
        return _head(calendar, email, wanted.zone) | page

    def _now(self) -> float:
        return self._world.clock().timestamp()

    def _mark(self, calendar: Calendar, wanted: Asked) -> Mark:
        return Mark(calendar.id, calendar.epoch, self._world.seq, wanted.fingerprint, self._now())

    def _continue(self, calendar: Calendar, query: MultiMapping[str], now: Mark) -> Place:
        place = read_place(query["pageToken"], now)
        if place.since is not None and calendar.dies_in_paging:
            calendar.dies_in_paging = False
            calendar.epoch += 1
            raise full_sync_required()
        return place

    def _begin(self, calendar: Calendar, query: MultiMapping[str], now: Mark) -> Place:
        if "syncToken" not in query:
            return Place(now, [], 1, None)
        return Place(now, [], 1, read_mark(query["syncToken"], now, calendar.token_answer).seq)

    def _page(
        self, rows: Sequence[tuple[list[Any], Event]], place: Place, most: int, row: Callable[[Event], dict[str, Any]]
    ) -> dict[str, Any]:
        left = [each for each in rows if each[0] > place.key]
        most = min(most, self.page_limit)
        if self.empty_pages and place.number == 2 and left:
            return {"items": [], "nextPageToken": encoded(Place(place.mark, place.key, 3, place.since))}
        page = {"items": [row(event) for _, event in left[:most]]}
        if len(left) > most:
            following = Place(place.mark, left[most - 1][0], place.number + 1, place.since)
            return page | {"nextPageToken": encoded(following)}
        return page

    def _chosen(self, calendar: Calendar, wanted: Asked, since: int | None) -> list[Event]:
        found: Iterator[Event] = (event for event in calendar.events.values() if not event.hidden)
        if since is not None:
            return [event for event in self._changed(calendar, wanted, found, since) if _fits(event, calendar, wanted)]
        if wanted.single:
            found = self._single(calendar, wanted, found)
        return [event for event in found if _shows_dead(event, wanted) and _fits(event, calendar, wanted)]

    def _changed(self, calendar: Calendar, wanted: Asked, found: Iterator[Event], since: int) -> Iterator[Event]:
        newer = (event for event in found if event.seq > since)
        if not wanted.single:
            yield from newer
            return
        for event in newer:
            if event.body.get("recurrence"):
                yield from self._occurrences(calendar, event, wanted)
            else:
                yield event

    def _single(self, calendar: Calendar, wanted: Asked, found: Iterator[Event]) -> Iterator[Event]:
        for event in found:
            if event.body.get("recurrence"):
                if not event.cancelled:
                    yield from self._occurrences(calendar, event, wanted)
            elif not event.master_id:
                yield event

    def _occurrences(self, calendar: Calendar, master: Event, wanted: Asked) -> Iterator[Event]:
        """Exceptions take the place of the occurrence of their day: after a master's change its hour may differ."""
        ahead = REPORTED_AHEAD if master.cancelled else AHEAD
        until = (wanted.most or self._world.clock() + ahead).replace(tzinfo=None) + timedelta(days=1)
        exceptions = calendar.exceptions(master.id)
        taken = {times.wall(each.body["originalStartTime"]).date() for each in exceptions}
        hourly = any("FREQ=HOURLY" in line for line in master.body["recurrence"])
        exact = {json.dumps(each.body["originalStartTime"], sort_keys=True) for each in exceptions}
        for original in series.originals(master.body, until):
            day_taken = not hourly and times.wall(original).date() in taken
            if not day_taken and json.dumps(original, sort_keys=True) not in exact:
                each = occurrence(master, original)
                if event_view.overlaps(each, calendar, wanted.least, wanted.most):
                    yield each
        yield from exceptions


def _begins(event: Event, original: str) -> bool:
    wanted, own = original.strip(), event.body["originalStartTime"]
    if "date" in own:
        return bool(wanted[:10] == own["date"])
    try:
        return bool(datetime.fromisoformat(wanted.upper()) == datetime.fromisoformat(own["dateTime"]))
    except (ValueError, TypeError):
        raise invalid(parameter="originalStart") from None


def _shows_dead(event: Event, wanted: Asked) -> bool:
    """Cancelled occurrences of a living series come whatever `showDeleted` says, where masters are asked for."""
    return not event.cancelled or wanted.deleted or (event.master_id is not None and not wanted.single)


def _fits(event: Event, calendar: Calendar, wanted: Asked) -> bool:
    body = event.body
    if wanted.types and body["eventType"] not in wanted.types:
        return False
    if wanted.uid is not None and body["iCalUID"] != wanted.uid:
        return False
    if wanted.updated_least and datetime.fromisoformat(body["updated"]) < wanted.updated_least:
        return False
    pairs = body.get("extendedProperties", {})
    if any(pairs.get(part, {}).get(key) != value for part, key, value in wanted.properties):
        return False
    if wanted.words:
        text = " ".join(str(body.get(name, "")) for name in ("summary", "description", "location")).casefold()
        if not all(word in text for word in wanted.words.split()):
            return False
    return event_view.overlaps(event, calendar, wanted.least, wanted.most)


def _sorted(events: Sequence[Event], order: str, zone: str) -> list[tuple[list[Any], Event]]:
    def key(event: Event) -> list[Any]:
        if order == "startTime":
            return [times.moment(event.body["start"], zone).timestamp(), event.id]
        return [event.body["updated"], event.id] if order == "updated" else [event.id]

    return sorted(((key(event), event) for event in events), key=lambda row: row[0])


def _head(calendar: Calendar, email: str, zone: str | None) -> dict[str, Any]:
    newest = max((event.body["updated"] for event in calendar.events.values()), default="1970-01-01T00:00:00.000Z")
    return {
        "kind": "calendar#events",
        "etag": f'"{calendar.version}"',
        "summary": calendar.fields["summary"],
        "description": calendar.fields.get("description", ""),
        "updated": newest,
        "timeZone": zone or calendar.zone,
        "accessRole": calendar.role_of(email),
        "defaultReminders": [],
    }
