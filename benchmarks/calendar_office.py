"""Employees with calendars on the grounds: desks that enter and change, runs by hand over HTTP, calls as counted."""

from __future__ import annotations

import asyncio
import json
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.grounds import Grounds, Running
from benchmarks.parties import ask
from deploy.local.table import CALENDAR
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from kanzlei.callers.table import KeyTable, NewKey
from synckit.postgres.pool import PostgresPool

SYNC = "/advoware/calendar/sync"
UNLIMITED = Rate(per_minute=100_000_000, burst=1_000_000)
FIRST_DAY = 14
"""Days ahead of the first appointment."""
LIFTED = {
    "GOOGLE_USER_PER_SECOND": "100000",
    "GOOGLE_USER_BURST": "100000",
    "GOOGLE_PROJECT_PER_SECOND": "100000",
    "GOOGLE_CALENDAR_PER_SECOND": "100000",
    "GOOGLE_THREADS": "32",
    "CALENDAR_SYNC_MAX_IN_FLIGHT": "32",
    "CALENDAR_NEW_CALENDARS_A_DAY": "100000",
    "CALENDAR_NEW_EVENTS_A_DAY": "10000000",
}
QUIET = {"CALENDAR_PUSH_URL": "", "CALENDAR_PUSH_SECRET": ""}
"""No pushes: what runs is what was asked for."""
LONGEST = 900.0
LETTERS = string.ascii_uppercase


@dataclass(frozen=True)
class Calls:
    """What was asked of both remotes, but for tokens."""

    google: int
    google_writes: int
    advoware: int
    advoware_writes: int


@dataclass
class CalendarOffice:
    """All of one benchmark."""

    grounds: Grounds
    mails: dict[str, str] = field(default_factory=dict)
    _marks: tuple[int, int] = (0, 0)
    _key: str = ""

    @property
    def google(self) -> str:
        return self.grounds.addresses.google_url

    @property
    def advoware(self) -> str:
        return self.grounds.addresses.advoware_url

    def start(self, limits: Mapping[str, str]) -> Running:
        """The service, with these settings."""
        service = self.grounds.start(CALENDAR, extra={**QUIET, **limits})
        if not self._key:
            self._key = asyncio.run(_new_key(self.grounds.addresses.database_url))
        return service

    def hire(self, names: Sequence[str]) -> None:
        for name in names:
            mail = self.mails[name] = f"{name.lower()}@bench.example"
            person = {"kuerzel": name, "name": "Probe", "vorname": "Paula", "email": mail, "aktiv": True}
            ask(f"{self.advoware}/_sandbox/desk/mitarbeiter", person)
            ask(f"{self.google}/_sandbox/google/accounts", {"email": mail})

    def enter(self, names: Sequence[str], each: int) -> list[int]:
        """So many appointments of an hour for each of them; their numbers."""
        rows = [termin(name, place) for name in names for place in range(each)]
        made: list[int] = []
        for at in range(0, len(rows), 500):
            made += ask(f"{self.advoware}/_sandbox/desk/termine", {"items": rows[at : at + 500]})["frNr"]
        return made

    def change(self, frnr: int, **fields: Any) -> None:
        ask(f"{self.advoware}/_sandbox/desk/termine/{frnr}", fields)

    def slow(self, seconds: float) -> None:
        """Every call takes so long more from now on."""
        for url in (self.google, self.advoware):
            ask(f"{url}/_sandbox/faults", {"fault": {"kind": "slow", "seconds": seconds}})

    def heal(self) -> None:
        for url in (self.google, self.advoware):
            ask(f"{url}/_sandbox/faults", method="DELETE")

    def mark(self) -> None:
        """Calls are counted from here."""
        self._marks = (_last(self.google), _last(self.advoware))

    def calls(self) -> Calls:
        google = ask(f"{self.google}/_sandbox/calls/count?since={self._marks[0]}&path=/calendar/v3/")
        advoware = ask(f"{self.advoware}/_sandbox/calls/count?since={self._marks[1]}&path=/advonet/")
        return Calls(google["total"], google["writes"], advoware["total"], advoware["writes"])

    def written_at(self, since: float) -> float:
        """When Google answered the last write; Unix seconds."""
        rows = ask(f"{self.google}/_sandbox/calls?since={self._marks[0]}&path=/events")["calls"]
        return max(float(row["ended_at"]) for row in rows if row["method"] != "GET" and row["ended_at"] >= since)

    def ask_for(self, service: Running, names: Sequence[str]) -> list[str]:
        """Runs by hand; their ids. `ALL` is everybody."""
        return [
            str(run["run_id"]) for name in names for run in self._call(service, "POST", SYNC, {"kuerzel": name})["runs"]
        ]

    def ended(self, service: Running, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """All of them, once each has ended. RuntimeError where one has not ended well."""
        return [self._run(service, run_id) for run_id in run_ids]

    def sync(self, service: Running, *names: str) -> list[dict[str, Any]]:
        """Runs by hand, to their end."""
        return self.ended(service, self.ask_for(service, names))

    def _run(self, service: Running, run_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST
        while True:
            run: dict[str, Any] = self._call(service, "GET", f"{SYNC}/{run_id}")
            if run["state"] == "done":
                return run
            if run["state"] in ("failed", "skipped") or time.monotonic() > deadline:
                raise RuntimeError(f"the run of {run['kuerzel']} is {run['state']}: {run['reason']}")
            time.sleep(0.1)

    def _call(self, service: Running, method: str, path: str, body: object = None) -> Any:
        headers = {"X-Api-Key": self._key, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        with urlopen(Request(service.url + path, content, headers, method=method), timeout=120) as answer:  # noqa: S310
            return json.loads(answer.read())


def kuerzel(first: str, count: int) -> list[str]:
    """So many that begin with this letter: two to four letters is what a desk takes."""
    return [f"{first}{LETTERS[number // 26]}{LETTERS[number % 26]}" for number in range(count)]


def termin(name: str, place: int) -> dict[str, Any]:
    """The n-th appointment of an employee: eight a day."""
    day = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=FIRST_DAY + place // 8)  # noqa: DTZ005 - wall times
    at = day + timedelta(hours=8 + place % 8)
    end = f"{at + timedelta(hours=1):%H:%M:%S}"
    return {
        "text": f"Besprechung {place}",
        "ort": "Zimmer 3",
        "notiz": f"Akte {place}",
        "datum": at.isoformat(),
        "uhrzeitBis": end,
        "sb": name,
        "anwalt": name,
    }


def _last(url: str) -> int:
    return int(ask(f"{url}/_sandbox/health")["last_seq"])


async def _new_key(database: str) -> str:
    key_id, secret = new_secret()
    pool = PostgresPool(database)
    caller = Caller(key_id, digest_of(secret), (Grant.parse(f"POST {SYNC}"),), UNLIMITED)
    await KeyTable(pool).add(NewKey(caller, "benchmark"))
    await pool.close()
    return f"{key_id}.{secret}"
