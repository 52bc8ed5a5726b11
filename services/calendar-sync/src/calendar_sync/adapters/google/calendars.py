"""Calendars of our own: found by their marker, made once, shared with their employee and put into the employee's list.

A calendar is made by the role account, so that it belongs to a person's account of the domain and not to the service
account. Google knows no id of ours for a calendar: whoever makes one first looks whether a crash has left one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from calendar_sync.adapters.google.client import Ask, GoogleClient
from calendar_sync.adapters.google.translation import UPSTREAM
from calendar_sync.domain.google_errors import CalendarLost
from calendar_sync.domain.values import CalendarRef
from synckit.errors import RemoteRejected, RemoteUnavailable

ZONE = "Europe/Berlin"
MARKER = "advoware-sync:"
PAGE = 250
MOST_PAGES = 400
GONE = frozenset({404, 410})
ActAs = Literal["role", "employee"]


class GoogleCalendars:
    """`role` makes and owns; `act_as` says who writes events."""

    def __init__(self, client: GoogleClient, role: str, act_as: ActAs, tenant: str) -> None:
        self._client = client
        self.role = role
        self._act_as = act_as
        self._prefix = f"{MARKER}{tenant}:"

    def account(self, calendar: CalendarRef) -> str:
        """Who acts in it, and pays."""
        return self.account_for(calendar.email)

    def account_for(self, email: str) -> str:
        """The same, for whoever has this address."""
        return email if self._act_as == "employee" and email else self.role

    async def ours(self) -> Mapping[str, Sequence[CalendarRef]]:
        """Marker → calendars that carry it in the role account's list: more than one is a matter for the audit."""
        found: dict[str, list[CalendarRef]] = {}
        page = None
        for _ in range(MOST_PAGES):
            told = await self._call("calendarList.list", _list(page))
            for row in told.get("items", []):
                marker = _marker(row, self._prefix)
                if marker:
                    found.setdefault(marker, []).append(CalendarRef(_text(row, "id"), "", _owner(row, self.role)))
            page = told.get("nextPageToken")
            if page is None:
                return {marker: sorted(each, key=lambda ref: ref.id) for marker, each in found.items()}
        raise RemoteUnavailable(UPSTREAM, "a list without an end")

    def kuerzel_of(self, marker: str) -> str:
        """Whose calendar a marker of ours means."""
        return marker.removeprefix(self._prefix)

    async def find(self, marker: str) -> CalendarRef | None:
        """The one with this marker: asked before one is made, and after every doubt."""
        found = (await self.ours()).get(marker, ())
        return found[0] if found else None

    async def create(self, summary: str, marker: str) -> CalendarRef:
        """Not safe to repeat: say the intent first, and `find` after a lost answer."""
        body = {"summary": summary, "description": marker, "timeZone": ZONE}

        def build(service: Any) -> Any:
            return service.calendars().insert(body=body)

        ask = Ask("calendars.insert", self.role, build, calendar=f"new:{self.role}", makes="calendar")
        told = await self._client.call(ask)
        return CalendarRef(_text(told, "id"), "", _owner(told, self.role))

    async def mark(self, calendar: CalendarRef, marker: str, old: str) -> None:
        """Another marker in its description, where the Kürzel is another one now; the rest stays."""
        told = await self._call("calendars.get", _calendar("get", calendar))
        lines = [line for line in str(told.get("description") or "").splitlines() if line.strip() not in (old, marker)]
        body = {**told, "description": "\n".join([*lines, marker])}

        def build(service: Any) -> Any:
            return service.calendars().update(calendarId=calendar.id, body=body)

        await self._call("calendars.update", build, writes=calendar.id)

    async def reachable(self, calendar: CalendarRef) -> bool:
        """The control question beside every "gone": False where the calendar itself can't be seen, asked twice."""
        for _ in range(2):
            try:
                await self._call("calendars.get", _calendar("get", calendar), account=self.account(calendar))
            except (RemoteRejected, CalendarLost) as error:
                if isinstance(error, RemoteRejected) and error.status not in GONE:
                    raise
            else:
                return True
        return False

    async def owner(self, calendar: CalendarRef) -> str:
        """Google's data owner, "" where it does not say."""
        told = await self._call("calendars.get", _calendar("get", calendar))
        return str(told.get("dataOwner") or "")

    async def shared_with(self, calendar: CalendarRef) -> Mapping[str, str]:
        """Address → role, of persons."""
        rules: dict[str, str] = {}
        page = None
        for _ in range(MOST_PAGES):
            told = await self._call("acl.list", _rules(calendar, page))
            for rule in told.get("items", []):
                scope = rule.get("scope") or {}
                if scope.get("type") == "user":
                    rules[str(scope.get("value") or "").lower()] = str(rule.get("role") or "")
            page = told.get("nextPageToken")
            if page is None:
                return rules
        raise RemoteUnavailable(UPSTREAM, "a list without an end")

    async def share(self, calendar: CalendarRef, email: str, role: str) -> None:
        """The same person again replaces the rule. Nobody gets a mail."""
        body = {"role": role, "scope": {"type": "user", "value": email}}

        def build(service: Any) -> Any:
            return service.acl().insert(calendarId=calendar.id, body=body, sendNotifications=False)

        await self._call("acl.insert", build, writes=calendar.id)

    async def unshare(self, calendar: CalendarRef, email: str) -> None:
        """No rule is fine."""

        def build(service: Any) -> Any:
            return service.acl().delete(calendarId=calendar.id, ruleId=f"user:{email}")

        await self._tolerating(GONE, "acl.delete", build, self.role, calendar.id)

    async def show_to(self, calendar: CalendarRef, email: str) -> None:
        """Into the employee's own list, acting as the employee; there already is fine."""

        def build(service: Any) -> Any:
            return service.calendarList().insert(body={"id": calendar.id})

        await self._tolerating(frozenset({409}), "calendarList.insert", build, email, f"list:{email}")

    async def _tolerating(self, fine: frozenset[int], name: str, build: Any, account: str, written: str) -> None:
        try:
            await self._call(name, build, account=account, writes=written)
        except RemoteRejected as error:
            if error.status not in fine:
                raise

    async def _call(self, name: str, build: Callable[[Any], Any], *, account: str = "", writes: str = "") -> Any:
        told = await self._client.call(Ask(name, account or self.role, build, calendar=writes))
        if not isinstance(told, dict) and not writes:
            raise RemoteUnavailable(UPSTREAM, "an answer that is no object")
        return told


def _list(page: str | None) -> Callable[[Any], Any]:
    return lambda service: service.calendarList().list(maxResults=PAGE, showHidden=True, pageToken=page)


def _rules(calendar: CalendarRef, page: str | None) -> Callable[[Any], Any]:
    return lambda service: service.acl().list(calendarId=calendar.id, maxResults=PAGE, pageToken=page)


def _calendar(method: str, calendar: CalendarRef) -> Callable[[Any], Any]:
    return lambda service: getattr(service.calendars(), method)(calendarId=calendar.id)


def _marker(row: Any, prefix: str) -> str:
    """The line of the description that is ours; a person may have written beside it."""
    lines = str(row.get("description") or "").splitlines() if isinstance(row, dict) else []
    return next((line.strip() for line in lines if line.strip().startswith(prefix)), "")


def _owner(row: Any, role: str) -> str:
    """Google's data owner; the role account where it does not say."""
    return str(row.get("dataOwner") or role) if isinstance(row, dict) else role


def _text(told: Any, name: str) -> str:
    found = told.get(name) if isinstance(told, dict) else None
    if not isinstance(found, str) or not found:
        raise RemoteUnavailable(UPSTREAM, f"an answer without {name}")
    return found
