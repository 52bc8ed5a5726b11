"""The web page for people at `/`: a week of one calendar, and what a person does there with an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDict

from sandbox.google import page_html as html
from sandbox.google import times
from sandbox.google.errors import GoogleError
from sandbox.google.event_list import Lister
from sandbox.google.events import Events
from sandbox.google.person import Person
from sandbox.google.world import Calendar, Event, World

PREFIX = "/_page/events"
ZONE = "Europe/Berlin"
FORM_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}\Z")


class PageRoutes:
    """Server-rendered, in the name of the calendar's owner."""

    def __init__(self, world: World, events: Events, lister: Lister) -> None:
        self._world = world
        self._events = events
        self._lister = lister
        self._person = Person(events)

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        app.router.add_get("/", self._week)
        app.router.add_get(PREFIX, self._show)
        app.router.add_post(PREFIX, self._save)

    async def _week(self, request: web.Request) -> web.Response:
        calendar = self._calendar(request.query.get("kalender", ""))
        if calendar is None:
            return _page(html.frame("Kalender", html.nothing()))
        monday = self._monday(request.query.get("tag", ""))
        days = [monday + timedelta(days=number) for number in range(7)]
        found = self._within(calendar, monday)
        columns = [
            html.column(day, [_card(event, day, calendar) for event in found if _on(event, day)]) for day in days
        ]
        dead = [event for event in calendar.events.values() if event.cancelled and not event.master_id]
        body = html.week(self._choices(), calendar.id, monday, columns) + html.dead(
            [(str(event.body.get("summary", "")), _link(calendar, event.id)) for event in dead[-20:]]
        )
        return _page(html.frame(str(calendar.fields["summary"]), body))

    def _calendar(self, name: str) -> Calendar | None:
        """The one that was asked for, else the newest that is nobody's private one."""
        known = self._world.calendars
        shared = [calendar for calendar in known.values() if not calendar.primary]
        newest = shared[-1] if shared else next(iter(known.values()), None)
        return known.get(name, newest)

    def _choices(self) -> list[tuple[str, str]]:
        return [(calendar.id, str(calendar.fields["summary"])) for calendar in self._world.calendars.values()]

    def _monday(self, given: str) -> date:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            day = self._world.clock().date()
        return day - timedelta(days=day.weekday())

    def _within(self, calendar: Calendar, monday: date) -> list[Event]:
        """The events and occurrences of a week."""
        midnight = datetime.combine(monday, datetime.min.time(), times.zone_of(calendar.zone))
        query = MultiDict(
            {
                "singleEvents": "true",
                "orderBy": "startTime",
                "timeMin": midnight.isoformat(),
                "timeMax": (midnight + timedelta(days=7)).isoformat(),
            }
        )
        return self._lister.chosen(calendar, query)

    # -- one event --------------------------------------------------------------------------------------------------

    async def _show(self, request: web.Request) -> web.Response:
        calendar = self._calendar(request.query.get("kalender", ""))
        if calendar is None:
            raise web.HTTPSeeOther("/")
        event_id = request.query.get("id", "")
        try:
            event = self._events.find(calendar, event_id) if event_id else None
        except GoogleError:
            raise web.HTTPNotFound from None
        day = request.query.get("tag", self._world.clock().date().isoformat())
        return _page(self._form(calendar, event, _values(event, day), ""))

    def _form(self, calendar: Calendar, event: Event | None, values: Mapping[str, str], error: str) -> str:
        in_series = event is not None and bool(event.master_id)
        dead = event is not None and event.cancelled
        return html.frame(
            "Termin",
            html.form(calendar.id, event.id if event else "", values, error=error, in_series=in_series, dead=dead),
        )

    async def _save(self, request: web.Request) -> web.Response:
        given = {name: str(value) for name, value in (await request.post()).items()}
        calendar = self._world.calendars.get(given.pop("kalender", ""))
        if calendar is None:
            raise web.HTTPNotFound
        event_id, verb = given.pop("id", ""), given.pop("tun", "save")
        try:
            self._person.do(calendar, verb, event_id, _body(given))
        except GoogleError as refused:
            event = calendar.events.get(event_id)
            return _page(self._form(calendar, event, given, refused.message), refused.status)
        day = given.get("start", "")[:10]
        raise web.HTTPSeeOther(f"/?kalender={quote(calendar.id)}&tag={day}")


def _on(event: Event, day: date) -> bool:
    first, last = times.wall(event.body["start"]), times.wall(event.body["end"])
    begins = datetime.combine(day, datetime.min.time())
    return first < begins + timedelta(days=1) and (last > begins or first == last >= begins)


def _card(event: Event, day: date, calendar: Calendar) -> html.Card:
    start, end = event.body["start"], event.body["end"]
    all_day = times.is_all_day(start)
    hours = "ganztägig" if all_day else f"{times.wall(start):%H:%M}–{times.wall(end):%H:%M}"
    title = str(event.body.get("summary", "(ohne Titel)"))
    place = str(event.body.get("location", ""))
    mark = "↻" if event.master_id or event.body.get("recurrence") else ""
    return html.Card(f"{hours} {mark}".strip(), title, place, _link(calendar, event.id), day)


def _link(calendar: Calendar, event_id: str) -> str:
    return f"{PREFIX}?kalender={quote(calendar.id)}&id={quote(event_id)}"


def _values(event: Event | None, day: str) -> dict[str, str]:
    """What the form shows; a day's end is shown as its last day."""
    if event is None:
        return {"start": f"{day}T09:00", "end": f"{day}T10:00"}
    body = event.body
    start, end = times.wall(body["start"]), times.wall(body["end"])
    if times.is_all_day(body["start"]):
        end -= timedelta(days=1)
    values = {name: str(body.get(name, "")) for name in ("summary", "location", "description")}
    values |= {"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{end:%Y-%m-%dT%H:%M}"}
    values["recurrence"] = "\n".join(body.get("recurrence", []))
    return values | ({"ganztags": "on"} if times.is_all_day(body["start"]) else {})


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the form as a body of the API's."""
    body: dict[str, Any] = {name: given.get(name, "") for name in ("summary", "location", "description")}
    start, end = given.get("start", ""), given.get("end", "")
    if "ganztags" in given and FORM_TIME.match(end):
        last = date.fromisoformat(end[:10]) + timedelta(days=1)
        body |= {"start": {"date": start[:10]}, "end": {"date": last.isoformat()}}
    else:
        body |= {
            "start": {"dateTime": f"{start}:00", "timeZone": ZONE},
            "end": {"dateTime": f"{end}:00", "timeZone": ZONE},
        }
    lines = [line.strip() for line in given.get("recurrence", "").splitlines() if line.strip()]
    return body | {"recurrence": lines}


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")
