"""Two employees between both sandboxes, each behind HTTP and the adapters of the service; only the table is a fake."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from calendar_sync.adapters.google.calendars import GoogleCalendars
from calendar_sync.adapters.google.client import GoogleClient, GoogleLimits, Hooks
from calendar_sync.adapters.google.events import GoogleEvents
from calendar_sync.adapters.google.port import GooglePort
from calendar_sync.domain.memory import Report, Row
from calendar_sync.domain.values import Rules
from calendar_sync.handlers import EmployeeRun
from deploy.local.waiting import LONG
from kanzlei.advoware.appointments import AdvowareAppointments
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareClient
from kanzlei.termine import Mitarbeiter
from kanzlei.testing.tokens import FakeTokenCache
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.google.app import KEY
from sandbox.google.app import build as build_google
from synckit.errors import SyncError
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.faults import Crash

sys.path.insert(0, str(Path(__file__).parents[2] / "services" / "calendar-sync" / "tests"))

from calendar_office import FakeLease
from fake_store import FakeStore

ROLE = "kalender@kanzlei.example"
NAMES = ("SB", "CD")
START = datetime(2026, 10, 5, 8, tzinfo=UTC)
ZONE = "Europe/Berlin"
Json = dict[str, Any]
Start = Callable[[web.Application], Awaitable[TestServer]]


@dataclass
class Prices:
    """Calls cost nothing. `blocked` are accounts after `quotaExceeded`."""

    blocked: list[str] = field(default_factory=list)

    async def take(self, account: str, calendar: str, price: int, makes: str = "") -> None:
        return None

    async def block(self, account: str) -> None:
        self.blocked.append(account)


@dataclass
class HttpOffice:
    """Runs, and what people do at desks and on phones. `rules` of each employee may be replaced."""

    session: ClientSession
    google_url: str
    advoware_url: str
    port: GooglePort
    appointments: AdvowareAppointments
    clock: FakeClock
    store: FakeStore
    rules: dict[str, Rules] = field(default_factory=lambda: {name: Rules(name) for name in NAMES})
    lease: FakeLease = field(default_factory=FakeLease)
    prices: Prices = field(default_factory=Prices)

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def run(self, kuerzel: str = "SB", **changes: Any) -> Report:
        """One run, a quarter of an hour after the last."""
        self.clock.advance(900)
        return await self.of(self.store).run(employee(kuerzel), replace(self.rules[kuerzel], **changes), self.lease)

    def of(self, store: FakeStore) -> EmployeeRun:
        return EmployeeRun(self.port, self.appointments, store)

    async def quiet(self, kuerzel: str = "SB") -> None:
        """Runs until nothing is written; AssertionError where that never comes."""
        for _ in range(6):
            report = await self.run(kuerzel)
            assert report.state == "done", report
            if not any(report.counts.values()) and not report.unsaved:
                return
        raise AssertionError(f"never quiet: {report}")

    async def attempt(self, kuerzel: str = "SB", **changes: Any) -> str:
        """How a run ended that may find trouble: its state, or what it raised."""
        try:
            return (await self.run(kuerzel, **changes)).state
        except (SyncError, Crash) as error:
            return type(error).__name__

    async def unchanged(self, kuerzel: str = "SB") -> bool:
        """True where another run writes nowhere."""
        return not any((await self.run(kuerzel)).counts.values())

    def rows(self, kuerzel: str = "SB") -> list[Row]:
        return [row for (name, _), row in self.store.pairs.items() if name == kuerzel]

    # -- at a desk ----------------------------------------------------------------------------------------------------

    async def enters(self, text: str, at: str, until: str = "10:00:00", **more: Any) -> int:
        """A new Termin; its number."""
        body = {"text": text, "datum": at, "uhrzeitBis": until, "sb": "SB", "anwalt": "SB", **more}
        return int((await self.desk("POST", "termine", body))["frNr"])

    async def desk(self, method: str, path: str, body: Any = None) -> Any:
        return await self._call(method, f"{self.advoware_url}/_sandbox/desk/{path}", body)

    async def changes(self, frnr: int, **fields: Any) -> None:
        await self.desk("POST", f"termine/{frnr}", fields)

    async def removes(self, frnr: int) -> None:
        await self.desk("DELETE", f"termine/{frnr}")

    async def termine(self, kuerzel: str = "SB") -> dict[int, Json]:
        """What the desk shows, by number."""
        told = await self.desk("GET", f"termine?kuerzel={kuerzel}")
        return {row["frNr"]: row for row in told["list"]}

    async def advoware(self, method: str, path: str, body: Any = None) -> Any:
        """A control call."""
        return await self._call(method, f"{self.advoware_url}/_sandbox/{path}", body)

    # -- on a phone ---------------------------------------------------------------------------------------------------

    async def phone(self, method: str, path: str = "", body: Any = None, kuerzel: str = "SB") -> Any:
        """`path` is beneath the employee's calendar's events."""
        headers = {"Authorization": f"Bearer sandbox:{mail(kuerzel)}"}
        url = f"{self.google_url}/calendar/v3/calendars/{quote(self.calendar(kuerzel))}/events{path}"
        return await self._call(method, url, body, headers)

    async def puts(self, title: str, at: str, until: str, **more: Any) -> str:
        """A new event on the phone; its id."""
        made = await self.phone("POST", "", {"summary": title, **times(at, until), **more})
        return str(made["id"])

    async def edits(self, event_id: str, **fields: Any) -> None:
        await self.phone("PATCH", f"/{event_id}", fields)

    async def bins(self, event_id: str) -> None:
        await self.phone("DELETE", f"/{event_id}")

    async def events(self, kuerzel: str = "SB") -> list[Json]:
        """All that stands there, series as one."""
        told = await self.phone("GET", "?maxResults=2500", None, kuerzel)
        return [row for row in told["items"] if row["status"] != "cancelled"]

    async def shown(self, kuerzel: str = "SB") -> list[tuple[str, str]]:
        """What the phone shows, occurrence by occurrence: begin and title, in order."""
        told = await self.phone("GET", "?singleEvents=true&orderBy=startTime&maxResults=2500", None, kuerzel)
        return [(starts(row), row["summary"]) for row in told["items"]]

    async def google(self, method: str, path: str, body: Any = None) -> Any:
        """A control call."""
        return await self._call(method, f"{self.google_url}/_sandbox/{path}", body)

    def calendar(self, kuerzel: str = "SB") -> str:
        """The id of our calendar of this employee."""
        known = self.store.known[kuerzel].calendar
        assert known is not None
        return known.id

    # -- both ---------------------------------------------------------------------------------------------------------

    async def writes(self) -> int:
        """Calls of ours to events and Termine that were no GET, so far."""
        google = await self.google("GET", "calls/count?path=/calendar/v3/")
        advoware = await self.advoware("GET", "calls/count?path=/advonet/")
        return int(google["writes"]) + int(advoware["writes"])

    async def fault(
        self, side: str, kind: str, *, path: str = "", method: str = "", times: int = 1, **more: Any
    ) -> None:
        """Of `google` or `advoware`, so many times."""
        rule = {"match": {"path_regex": path, **({"method": method} if method else {})}, "times": times}
        told = {**rule, "fault": {"kind": kind, **more}}
        await (self.google if side == "google" else self.advoware)("POST", "faults", told)

    async def heal(self) -> None:
        for call in (self.google, self.advoware):
            await call("DELETE", "faults")

    async def _call(self, method: str, url: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {url}: {answer.status} {text[:400]}"
            return await answer.json() if text else None


def employee(kuerzel: str) -> Mitarbeiter:
    return Mitarbeiter(kuerzel, "Probe", "Paula", mail(kuerzel), aktiv=True)


def mail(kuerzel: str) -> str:
    return f"{kuerzel.lower()}@kanzlei.example"


def times(at: str, until: str) -> Json:
    """Wall times in Berlin, or whole days, the last one excluded."""
    if "T" not in at:
        return {"start": {"date": at}, "end": {"date": until}}
    return {"start": {"dateTime": at, "timeZone": ZONE}, "end": {"dateTime": until, "timeZone": ZONE}}


def starts(event: Json) -> str:
    """Begin to the minute, in the wall time that the event was given."""
    told = event["start"]
    return str(told.get("date") or told["dateTime"])[:16]


def days(first: date, *after: int) -> list[str]:
    """ISO days so many days after the first."""
    return [(first + timedelta(days=each)).isoformat() for each in after]


@asynccontextmanager
async def http_office(start: Start, folder: Path) -> AsyncIterator[HttpOffice]:
    """Both sandboxes, empty but for two employees."""
    clock = FakeClock(START)
    google_app = build_google([mail(name) for name in NAMES])
    google_server, advoware_server = await start(google_app), await start(build_advoware(clock=clock.now))
    google_url, advoware_url = (str(each.make_url("")).rstrip("/") for each in (google_server, advoware_server))
    key_file = folder / "key.json"
    google_app[KEY].write(key_file, google_url)
    prices = Prices()
    client = GoogleClient.of_key_file(key_file, prices, GoogleLimits(4, LONG, google_url), Hooks())
    calendars = GoogleCalendars(client, ROLE, "role", "kanzlei")
    login = AdvowareLogin(**asdict(DEFAULT))
    auth = AdvowareAuth(f"{advoware_url}/api/v1/Token", login, FakeTokenCache(clock), clock)
    advoware = AdvowareClient(advoware_url, auth, Wiring())
    async with ClientSession() as session:
        office = HttpOffice(
            session,
            google_url,
            advoware_url,
            GooglePort(GoogleEvents(client, calendars.account), calendars),
            AdvowareAppointments(advoware),
            clock,
            FakeStore(clock),
            prices=prices,
        )
        try:
            for name in NAMES:
                who = {"kuerzel": name, "name": "Probe", "vorname": "Paula", "email": mail(name), "aktiv": True}
                await office.desk("POST", "mitarbeiter", who)
            yield office
        finally:
            await client.close()
            await advoware.close()
            await auth.close()
