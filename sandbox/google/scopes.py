"""Which scopes open which method; any of them does. Their common prefix is left out."""

from __future__ import annotations

PREFIX = "https://www.googleapis.com/auth/"
APP_CREATED = "calendar.app.created"

_ACL_WRITE = frozenset({"calendar", "calendar.acls"})
_ACL_LIST = _ACL_WRITE | {"calendar.acls.readonly"}
_LIST_INSERT = frozenset({"calendar", "calendar.calendarlist"})
_LIST_WRITE = _LIST_INSERT | {APP_CREATED}
_LIST_LIST = _LIST_INSERT | {"calendar.calendarlist.readonly", "calendar.readonly"}
_CALENDAR_CLEAR = frozenset({"calendar", "calendar.calendars"})
_CALENDAR_WRITE = _CALENDAR_CLEAR | {APP_CREATED}
_EVENT_MOVE = frozenset({"calendar", "calendar.events", "calendar.events.owned"})
_EVENT_WRITE = _EVENT_MOVE | {APP_CREATED}
_EVENT_READ = _EVENT_WRITE | {
    "calendar.events.freebusy",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
    "calendar.readonly",
}
METHODS: dict[str, frozenset[str]] = {
    "acl.delete": _ACL_WRITE,
    "acl.get": _ACL_LIST | {"calendar.readonly"},
    "acl.insert": _ACL_WRITE,
    "acl.list": _ACL_LIST,
    "acl.patch": _ACL_WRITE,
    "acl.update": _ACL_WRITE,
    "calendarList.delete": _LIST_WRITE,
    "calendarList.get": _LIST_LIST | {APP_CREATED},
    "calendarList.insert": _LIST_INSERT,
    "calendarList.list": _LIST_LIST,
    "calendarList.patch": _LIST_WRITE,
    "calendarList.update": _LIST_WRITE,
    "calendars.clear": _CALENDAR_CLEAR,
    "calendars.delete": _CALENDAR_WRITE,
    "calendars.get": _CALENDAR_WRITE | {"calendar.calendars.readonly", "calendar.readonly"},
    "calendars.insert": _CALENDAR_WRITE,
    "calendars.patch": _CALENDAR_WRITE,
    "calendars.update": _CALENDAR_WRITE,
    "channels.stop": _EVENT_READ | _ACL_LIST | _LIST_LIST | {"calendar.settings", "calendar.settings.readonly"},
    "events.delete": _EVENT_WRITE,
    "events.get": _EVENT_READ,
    "events.import": _EVENT_WRITE,
    "events.insert": _EVENT_WRITE,
    "events.instances": _EVENT_READ,
    "events.list": _EVENT_READ,
    "events.move": _EVENT_MOVE,
    "events.patch": _EVENT_WRITE,
    "events.update": _EVENT_WRITE,
    "events.watch": _EVENT_READ,
}
KNOWN = frozenset().union(*METHODS.values()) | {"calendar.freebusy"}


def short(scopes: str) -> frozenset[str]:
    """The scopes of a token request, without their prefix."""
    return frozenset(each.removeprefix(PREFIX) for each in scopes.split())
