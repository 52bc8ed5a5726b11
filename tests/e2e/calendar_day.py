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

from demo.wait import until
from deploy.local.addresses import Addresses
from deploy.local.waiting import LONG

SYNC = "/advoware/calendar/sync"
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

    async def sync(self, kuerzel: str) -> Json:
        """A run by hand over HTTP, to its end."""
        url, headers = self.addresses.services["calendar-sync"], {"X-Api-Key": self.key}
        asked = await self._call("POST", url + SYNC, {"kuerzel": kuerzel}, headers)
        run_id = asked["runs"][0]["run_id"]

        async def ended() -> Json | None:
            run: Json = await self._call("GET", f"{url}{SYNC}/{run_id}", None, headers)
            return run if run["state"] in ENDED else None

        return await until(ended, f"the run of {kuerzel} has ended")

    async def calendar(self, mail: str) -> str:
        """The id of our calendar, as its employee's list shows it."""
        told = await self.google("GET", "/calendar/v3/users/me/calendarList", person=mail)
        (found,) = [row["id"] for row in told["items"] if "advoware-sync:" in row.get("description", "")]
        return str(found)

    async def events(self, mail: str) -> list[Json]:
        """What the phone shows."""
        path = f"/calendar/v3/calendars/{await self.calendar(mail)}/events"
        told = await self.google("GET", path, person=mail)
        return [row for row in told["items"] if row["status"] != "cancelled"]

    async def termine(self, kuerzel: str) -> list[Json]:
        """What the desk shows."""
        told = await self.desk("GET", f"termine?kuerzel={kuerzel}")
        return list(told["list"])

    async def move(self, mail: str, event: Json, **times: str) -> None:
        """Drags an event to other times on the phone."""
        path = f"/calendar/v3/calendars/{await self.calendar(mail)}/events/{event['id']}"
        zone = "Europe/Berlin"
        body = {name: {"dateTime": value, "timeZone": zone} for name, value in times.items()}
        await self.google("PATCH", path, body, person=mail)

    async def _call(self, method: str, url: str, body: Json | None, headers: dict[str, str] | None = None) -> Any:
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {url}: {answer.status} {text[:300]}"
            return json.loads(text) if text else None


@asynccontextmanager
async def calendar_day(addresses: Addresses) -> AsyncIterator[CalendarDay]:
    """On a stack that runs."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LONG)) as session:
        day = CalendarDay(session, addresses, _key(addresses))
        await until(day.is_known, "the key is known")
        yield day


def _key(addresses: Addresses) -> str:
    command = [sys.executable, "-m", "kanzlei.keys", "create", "--name", "e2e", "--grant", f"POST {SYNC}", "--json"]
    environment = {**os.environ, "DATABASE_URL": addresses.database_url}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(json.loads(done.stdout)["key"])
