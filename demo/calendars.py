"""A day with calendars on the whole stack: a desk of Advoware, a phone with Google, and whoever asks for a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from demo.wait import StepFailedError, expect, until
from deploy.local.addresses import Addresses
from deploy.local.office import Office
from deploy.local.table import CALENDAR, Wiring
from deploy.local.waiting import LONG

SYNC = "/advoware/calendar/sync"
ZONE = "Europe/Berlin"
ENDED = ("done", "skipped", "failed")
Json = dict[str, Any]


@dataclass(frozen=True)
class CalendarDay:
    """`key` is a caller's key with the grant for runs."""

    session: aiohttp.ClientSession
    addresses: Addresses
    key: str

    async def is_known(self) -> bool | None:
        """A new key is known within seconds."""
        url = f"{self.addresses.services['calendar-sync']}{SYNC}/unknown"
        async with self.session.get(url, headers={"X-Api-Key": self.key}) as answer:
            return answer.status == 404 or None

    async def hire(self, kuerzel: str) -> str:
        """A new employee with an account in the domain; answers the address."""
        mail = f"{uuid.uuid4().hex[:8]}@kanzlei.example"
        who = {"kuerzel": kuerzel, "name": "Probe", "vorname": "Paula", "email": mail, "aktiv": True}
        await self.desk("POST", "mitarbeiter", who)
        await self.google("POST", "/_sandbox/google/accounts", {"email": mail})
        return mail

    async def desk(self, method: str, path: str, body: Json | None = None) -> Any:
        """What a person at a desk of Advoware does."""
        return await self._call(method, f"{self.addresses.advoware_url}/_sandbox/desk/{path}", body)

    async def google(self, method: str, path: str, body: Json | None = None, person: str = "") -> Any:
        """What `person` does on Google's page, or a control call."""
        headers = {"Authorization": f"Bearer sandbox:{person}"} if person else {}
        return await self._call(method, self.addresses.google_url + path, body, headers)

    async def switch(self, **values: Any) -> None:
        """Of the sandbox Advoware."""
        await self._call("POST", f"{self.addresses.advoware_url}/_sandbox/switches", values)

    async def ask(self, kuerzel: str) -> str:
        """Ask for a run by hand over HTTP; its id."""
        url, headers = self.addresses.services["calendar-sync"], {"X-Api-Key": self.key}
        asked = await self._call("POST", url + SYNC, {"kuerzel": kuerzel}, headers)
        return str(asked["runs"][0]["run_id"])

    async def sync(self, kuerzel: str) -> Json:
        """A run by hand over HTTP, to its end."""
        url, headers = self.addresses.services["calendar-sync"], {"X-Api-Key": self.key}
        run_id = await self.ask(kuerzel)

        async def ended() -> Json | None:
            run: Json = await self._call("GET", f"{url}{SYNC}/{run_id}", None, headers)
            return run if run["state"] in ENDED else None

        return await until(ended, f"the run of {kuerzel} has ended")

    async def calendar(self, mail: str) -> str:
        """The id of our calendar, as its employee's list shows it."""
        told = await self.google("GET", "/calendar/v3/users/me/calendarList", person=mail)
        found = [row["id"] for row in told["items"] if "advoware-sync:" in row.get("description", "")]
        expect(len(found) == 1, f"{len(found)} calendars of ours in the phone's list")
        return str(found[0])

    async def events(self, mail: str) -> list[Json]:
        """What the phone shows."""
        told = await self.google("GET", await self.path_of(mail), person=mail)
        return [row for row in told["items"] if row["status"] != "cancelled"]

    async def termine(self, kuerzel: str) -> list[Json]:
        """What the desk shows."""
        told = await self.desk("GET", f"termine?kuerzel={kuerzel}")
        return list(told["list"])

    async def move(self, mail: str, event: Json, **times: str) -> None:
        """Drags an event to other times on the phone."""
        body = {name: {"dateTime": value, "timeZone": ZONE} for name, value in times.items()}
        await self.google("PATCH", await self.path_of(mail, event["id"]), body, person=mail)

    async def enter(self, mail: str, **body: Any) -> Json:
        """A new event on the phone."""
        made: Json = await self.google("POST", await self.path_of(mail), body, person=mail)
        return made

    async def delete(self, mail: str, event_id: str) -> None:
        """Deletes an event on the phone."""
        await self.google("DELETE", await self.path_of(mail, event_id), person=mail)

    async def path_of(self, mail: str, event_id: str = "") -> str:
        """Of the events of this employee's calendar, or of one of them."""
        return f"/calendar/v3/calendars/{await self.calendar(mail)}/events" + (f"/{event_id}" if event_id else "")

    async def watched(self, mail: str) -> None:
        """Until Google pushes what changes in the calendar."""
        calendar = await self.calendar(mail)

        async def open_channel() -> bool | None:
            told = await self.google("GET", "/_sandbox/google/channels")
            return any(channel["calendar_id"] == calendar for channel in told["channels"]) or None

        await until(open_channel, "a push channel for the calendar")

    async def _call(self, method: str, url: str, body: Json | None, headers: dict[str, str] | None = None) -> Any:
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            expect(answer.status < 300, f"{method} {url}: {answer.status} {text[:300]}")
            return json.loads(text) if text else None


@asynccontextmanager
async def calendar_day(addresses: Addresses, key: str = "") -> AsyncIterator[CalendarDay]:
    """On a stack that runs. Without a key: with a new one."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LONG)) as session:
        day = CalendarDay(session, addresses, key or new_key(addresses))
        await until(day.is_known, "the key is known")
        yield day


def new_key(addresses: Addresses) -> str:
    """A caller's key with the grant for runs by hand."""
    command = [sys.executable, "-m", "kanzlei.keys", "create", "--name", "demo", "--grant", f"POST {SYNC}", "--json"]
    environment = {**os.environ, "DATABASE_URL": addresses.database_url}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    if done.returncode:
        raise StepFailedError(done.stdout + done.stderr)
    return str(json.loads(done.stdout)["key"])


def command(office: Office, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """One of the service's commands, in its own environment but for these settings."""
    environment = Wiring(office.addresses, office.secrets_file, settings).environment(CALENDAR)
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "calendar_sync", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
