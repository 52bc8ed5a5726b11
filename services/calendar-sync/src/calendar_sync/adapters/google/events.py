"""The events of one employee's calendar. Every write has our own id or an etag, tells nobody, and adds no attendee.

A list is all of its pages or an error: an empty page in the middle ends nothing, only a missing page token does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from calendar_sync.adapters.google.client import Ask, GoogleClient
from calendar_sync.adapters.google.translation import UPSTREAM
from calendar_sync.domain.google_errors import CalendarLost, SyncTokenDead
from calendar_sync.domain.values import CalendarRef, Event, EventList
from synckit import clamps
from synckit.errors import RemoteRejected, RemoteUnavailable

Body = Mapping[str, Any]
Account = Callable[[CalendarRef], str]
PAGE = 2500
MOST_PAGES = 1000
SEND_TO_NOBODY = "none"
GONE = frozenset({404, 410})
KIND = "default"
"""Of the event types, appointments alone: no birthdays, no focus time, no working location."""


class GoogleEvents:
    """`list, get, insert, update, delete` and the instances of a series, for any calendar of ours."""

    def __init__(self, client: GoogleClient, account: Account) -> None:
        self._client = client
        self._account = account

    async def changes(self, calendar: CalendarRef, token: str) -> EventList:
        """What changed since the list that gave this token, deleted ones included. SyncTokenDead where it is over."""
        return await self._pages(calendar, {"syncToken": token}, full=False)

    async def window(self, calendar: CalendarRef, since: datetime, until: datetime | None = None) -> EventList:
        """All that ends after `since`, and begins before `until` where one is given: then there is no token.

        Tombstones come along as far as Google still has them.
        """
        bounds = {"timeMin": _rfc3339(since)} | ({"timeMax": _rfc3339(until)} if until else {})
        return await self._pages(calendar, bounds, full=True)

    async def event(self, calendar: CalendarRef, event_id: str) -> Event | None:
        """None where Google has none of this id, or no access: `GoogleCalendars.reachable` tells the two apart."""
        try:
            body = await self._client.call(
                Ask("events.get", self._account(calendar), _one("get", calendar.id, event_id))
            )
        except RemoteRejected as error:
            if error.status in GONE:
                return None
            raise
        return _event(body)

    async def insert(self, calendar: CalendarRef, body: Body) -> Event:
        """`body` carries an id of ours. IdTaken where that is there already, dead or alive."""
        if not body.get("id"):
            raise ValueError("an event is never sent without an id of ours")

        def build(service: Any) -> Any:
            return service.events().insert(
                calendarId=calendar.id, body=dict(body), sendUpdates=SEND_TO_NOBODY, **_extras(body)
            )

        return _event(await self._write(calendar, "events.insert", build, makes="event"))

    async def update(self, calendar: CalendarRef, event_id: str, body: Body, etag: str | None) -> Event:
        """The whole event. StaleVersion where the etag is no longer its own; without one nothing is compared."""

        def build(service: Any) -> Any:
            return service.events().update(
                calendarId=calendar.id,
                eventId=event_id,
                body=dict(body),
                sendUpdates=SEND_TO_NOBODY,
                **_extras(body),
            )

        return _event(await self._write(calendar, "events.update", build, etag))

    async def delete(self, calendar: CalendarRef, event_id: str, etag: str | None) -> None:
        """Gone already is done. StaleVersion as `update`."""

        def build(service: Any) -> Any:
            return service.events().delete(calendarId=calendar.id, eventId=event_id, sendUpdates=SEND_TO_NOBODY)

        try:
            await self._write(calendar, "events.delete", build, etag)
        except RemoteRejected as error:
            if error.status not in GONE:
                raise

    async def instance(self, calendar: CalendarRef, series_id: str, original_start: str) -> Event | None:
        """One occurrence of a series, by when it was to begin before anybody moved it; None where there is none."""

        def build(service: Any) -> Any:
            return service.events().instances(
                calendarId=calendar.id, eventId=series_id, originalStart=original_start, showDeleted=True
            )

        try:
            told = await self._client.call(Ask("events.instances", self._account(calendar), build))
        except RemoteRejected as error:
            if error.status in GONE:
                return None
            raise
        rows = _rows(told)
        return _event(rows[0]) if rows else None

    async def _write(
        self, calendar: CalendarRef, name: str, build: Callable[[Any], Any], etag: str | None = None, makes: str = ""
    ) -> Any:
        account = self._account(calendar)
        return await self._client.call(Ask(name, account, build, calendar=calendar.id, etag=etag, makes=makes))

    async def _pages(self, calendar: CalendarRef, asked: dict[str, str], *, full: bool) -> EventList:
        """SyncTokenDead also where it dies in the middle of paging: what came before is thrown away."""
        events: dict[str, Event] = {}
        page: str | None = None
        for _ in range(MOST_PAGES):
            told = await self._page(calendar, asked, page)
            for row in _rows(told):
                found = _event(row)
                events[found.id] = found
            page = told.get("nextPageToken")
            if page is None:
                token = told.get("nextSyncToken")
                if not isinstance(token, str) and "timeMax" not in asked:
                    raise RemoteUnavailable(UPSTREAM, "a list that ends without a sync token")
                return EventList(tuple(events.values()), token or "", full=full, skew=self._client.skew)
        raise RemoteUnavailable(UPSTREAM, "a list without an end")

    async def _page(self, calendar: CalendarRef, asked: dict[str, str], page: str | None) -> Any:
        def build(service: Any) -> Any:
            return service.events().list(
                calendarId=calendar.id,
                maxResults=PAGE,
                singleEvents=False,
                showDeleted=True,
                eventTypes=[KIND],
                pageToken=page,
                **asked,
            )

        try:
            told = await self._client.call(Ask("events.list", self._account(calendar), build))
        except RemoteRejected as error:
            if error.status == 404:
                raise CalendarLost(f"{UPSTREAM}: 404") from None
            if error.status == 410:
                raise SyncTokenDead(f"{UPSTREAM}: 410") from None
            raise
        if not isinstance(told, dict):
            raise RemoteUnavailable(UPSTREAM, "an answer that is no list")
        return told


def _one(method: str, calendar_id: str, event_id: str) -> Callable[[Any], Any]:
    return lambda service: getattr(service.events(), method)(calendarId=calendar_id, eventId=event_id)


def _extras(body: Body) -> dict[str, Any]:
    """Without these versions Google would drop a person's conference and attachments from an update."""
    return {"conferenceDataVersion": 1, "supportsAttachments": True} if _has_extras(body) else {}


def _has_extras(body: Body) -> bool:
    return bool(body.get("conferenceData") or body.get("attachments"))


def _rows(told: Any) -> list[Any]:
    rows = told.get("items", []) if isinstance(told, dict) else None
    if not isinstance(rows, list):
        raise RemoteUnavailable(UPSTREAM, "an answer that is no list")
    return rows


def _event(body: Any) -> Event:
    """RemoteUnavailable for what is none: nothing may be concluded from half an answer."""
    event_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(event_id, str) or not event_id:
        raise RemoteUnavailable(UPSTREAM, "an event without an id")
    return Event(event_id, str(body.get("etag") or ""), body, clamps.moment(body.get("updated")))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
