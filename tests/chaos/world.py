"""The stack of one run in a folder of its own, and both sandboxes as people and their makers see them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from deploy.local.addresses import Addresses
from deploy.local.office import Office
from deploy.local.supervisor import StackError
from deploy.local.table import ROOT, TICKER, WORKER, Job, Service, Wiring
from tests.chaos.fields import Side
from tests.chaos.history import History
from tests.chaos.looks import Looks
from tests.chaos.movable import MovableBackends
from tests.chaos.troubles import Shift, Troubles

FASTER = {
    "TICKER_SWEEP_SECONDS": "5",
    "TICKER_DESK_SECONDS": "3",
    "TICKER_PARKED_SECONDS": "2",
    "TICKER_OVERLAP_SECONDS": "60",
    "TICKER_STALE_SYNCING_SECONDS": "30",
    "TICKER_DESK_LIMIT": "1000000",
    "BRAKE_RETRY_SECONDS": "5",
    "BRAKE_LEAST": "1000000",
    "CALENDAR_SYNC_UPKEEP_SECONDS": "5",
    "CALENDAR_SYNC_IN_PLACE_SECONDS": "10",
}
"""Time compressed: an office's ticker sweeps every 15 minutes, looks at desks each minute, at parked ones each 15 s.

With it the days in which an office loses or renames so much: the brake for sweeps would hold them.
"""
AT_ONCE = {"TICKER_UNLOOKED_HOURS": "0.000001", "TICKER_UNLOOKED_LIMIT": "1000000"}
"""The ticker's turn at the end looks at everything, as an office's does in the course of a day."""
FAILED_BATCH_AGAIN = 10.0
"""Seconds until EspoCRM sends a failed batch again; 10 minutes in an office."""
USER_ID = "5a0000000000000b1"
SAFETIES = ("acks-in-order", "intents", "fence", "growing-fences")
NOTHING = "nothing"
UNSAFE = "tests.chaos.unsafe_worker"
SKEWED = "tests.chaos.skewed"
FENCES_THAT_MAY_GO_BACK = """
CREATE OR REPLACE FUNCTION new_fence() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('fence') $$;
CREATE OR REPLACE FUNCTION take_fence(p_entity text, p_left_id text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    taken bigint := new_fence();
BEGIN
    PERFORM fence_holds(p_entity, p_left_id, taken);
    RETURN taken;
END
$$;
"""
"""A sequence alone, as it was once: a database that loses its last commits gives out numbers a second time."""


class RefusedError(Exception):
    """A sandbox did not take what a person did; `status` says why."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: {status}")
        self.status = status


class World:
    """Runs from `start` to `close`. `without` takes a safety out of the workers ("nothing": none).

    Where it is `movable`, PostgreSQL and Redis are behind addresses of their own, and each worker's and the ticker's
    clock may be off.
    """

    def __init__(self, state_dir: Path, workers: int, without: str | None = None, *, movable: bool = False) -> None:
        self._without = without
        self._trap = Path(state_dir).resolve() / "stop-yourself-at"
        self.extra = dict(FASTER)
        if without is not None:
            self.extra |= {"CHAOS_WITHOUT": without, "CHAOS_TRAP": str(self._trap)}
        self.office = Office(state_dir, workers=workers, extra=self.extra, guarded=True)
        if without is not None:
            for name in self.workers:
                self.office.services[name] = unsafe(self.office.services[name])
        self.movable: MovableBackends | None = None
        if movable:
            self.office.backends = self.movable = MovableBackends(self.office.state_dir)
            self.office.supervisor = self.movable.supervisor
            for name in (*self.workers, TICKER.name):
                self.office.services[name] = skewed(self.office.services[name], self._clock_file(name))
        self.troubles = Troubles()
        self.history = History()
        self.down: set[str] = set()
        """What is away because we wanted it so."""
        self.ended_by_themselves: list[str] = []
        self._since = dict.fromkeys(Side, 0)
        self._session: aiohttp.ClientSession | None = None
        self._observing = asyncio.Lock()

    @property
    def workers(self) -> list[str]:
        return [name for name in self.office.services if name.startswith(WORKER.name)]

    @property
    def addresses(self) -> Addresses:
        return self.office.addresses

    def add_service(self, line: Service) -> None:
        """One more of a kind, before the start."""
        self.office.services[line.name] = line

    async def start(self) -> None:
        await asyncio.to_thread(self.office.start)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        await self.ask(Side.ESPO, "POST", "/_sandbox/settings", {"fail_attempt_period": FAILED_BATCH_AGAIN})
        if self._without == "growing-fences":
            await self.let_fences_go_back()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await asyncio.to_thread(self.office.stop)

    async def ask(self, side: Side, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer of a sandbox."""
        if self._session is None:
            raise RuntimeError("not started")
        url = self.addresses.espocrm_url if side is Side.ESPO else self.addresses.advoware_url
        async with self._session.request(method, url + path, json=body) as answer:
            if answer.status >= 400:
                raise RefusedError(f"{method} {path}", answer.status)
            return await answer.json()

    # -- people --------------------------------------------------------------------------------------------------

    async def as_anna(self, method: str, path: str, body: Any = None) -> Any:
        """A user of EspoCRM."""
        told = {"user": "anna", "method": method, "path": f"/CBeteiligte{path}", "body": body}
        answer = await self.ask(Side.ESPO, "POST", "/_sandbox/as-user", told)
        if answer["status"] >= 400:
            raise RefusedError(f"{method} {path}", answer["status"])
        return answer["body"]

    async def at_desk(self, method: str, betnr: str, body: Any = None) -> Any:
        """Somebody at a desk of Advoware."""
        return await self.ask(Side.ADVO, method, f"/_sandbox/desk/beteiligte/{betnr}", body)

    # -- sandboxes -----------------------------------------------------------------------------------------------

    async def fault(self, side: Side, fault: Mapping[str, Any], **rule: Any) -> int:
        return int((await self.ask(side, "POST", "/_sandbox/faults", {"fault": dict(fault), **rule}))["id"])

    async def mend(self, side: Side, rule: int | None = None) -> None:
        """One rule, or all."""
        await self.ask(side, "DELETE", "/_sandbox/faults" + ("" if rule is None else f"/{rule}"))

    async def observe(self) -> History:
        """Takes in what both have stored since the last time. One at a time: nothing is taken in twice."""
        async with self._observing:
            for side in Side:
                told = await self.ask(side, "GET", f"/_sandbox/changes?since={self._since[side]}")
                self._since[side] = told["last_seq"]
                self.history.take(side, told["changes"])
        return self.history

    async def whole_history(self) -> History:
        """All of it once more, this time in the exact order."""
        rows: list[tuple[float, int, Side, Any]] = []
        for side in Side:
            told = await self.ask(side, "GET", "/_sandbox/changes")
            rows += [(change["at"], change["seq"], side, change) for change in told["changes"]]
        history = History()
        for _, _, side, change in sorted(rows, key=lambda row: row[:3]):
            history.take(side, [change])
        return history

    async def calls(self, side: Side, since: int = 0) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.ask(side, "GET", f"/_sandbox/calls?since={since}"))["calls"]
        return rows

    async def looks(self) -> Looks:
        looks = Looks()
        for side in Side:
            looks.take(side, await self.calls(side))
        return looks

    async def in_progress(self) -> int:
        counts = [await self.ask(side, "GET", "/_sandbox/calls/count") for side in Side]
        return sum(int(each["in_progress"]) for each in counts)

    # -- clocks and memory ---------------------------------------------------------------------------------------

    async def shift(self, name: str, seconds: float) -> None:
        """The clock of a sandbox, a worker or the ticker is so far ahead from now on."""
        if name in set(Side):
            side = Side(name)
            await self.ask(side, "POST", "/_sandbox/clock", {"offset": seconds})
            self.troubles.shifts.append(Shift(time.time(), side, seconds))
        else:
            self._clock_file(name).write_text(f"{seconds:+.1f}")

    async def set_right(self) -> None:
        """All clocks, and what is told of times."""
        for name in (*Side, *self.workers, TICKER.name):
            await self.shift(name, 0.0)
        await self.ask(Side.ESPO, "POST", "/_sandbox/lie", {"times": None})
        await self.ask(Side.ADVO, "POST", "/_sandbox/switches", {"geaendert_am_lie": None})

    async def let_fences_go_back(self) -> None:
        """In the database: what is left of a safety that is taken out."""
        if "take_fence" not in str(await self.sql("SELECT prosrc FROM pg_proc WHERE proname = 'load_record'")):
            raise StackError("load_record takes its fence elsewhere: this safety can't be taken out so")
        await self.sql(FENCES_THAT_MAY_GO_BACK)

    async def sql(self, statement: str) -> Any:
        """By the superuser, at the server of this moment; the first value of a SELECT."""
        connection = await asyncpg.connect(self.movable.direct if self.movable else self.addresses.database_url)
        try:
            if statement.startswith("SELECT"):
                return await connection.fetchval(statement)
            return await connection.execute(statement)
        finally:
            await connection.close()

    def _clock_file(self, name: str) -> Path:
        return self.office.state_dir / f"clock-{name}"

    # -- processes -----------------------------------------------------------------------------------------------

    async def kill(self, name: str) -> None:
        self.down.add(name)
        await asyncio.to_thread(self.office.kill, name)

    async def back(self, name: str, *, wait: bool = True) -> None:
        await asyncio.to_thread(self.office.start_process, name, wait=wait)
        self.down.discard(name)

    @property
    def is_trapping(self) -> bool:
        """True where the workers are the test's own, which can be told to stop themselves in the middle of a sync."""
        return self._without is not None

    def trap(self, record_id: str | None) -> None:
        """The next worker that is about to write this record stops itself (SIGSTOP). None: no more."""
        if record_id is None or self._without is None:
            self._trap.unlink(missing_ok=True)
        else:
            self._trap.write_text(record_id)

    async def look_after(self) -> None:
        """What ended by itself is started again, as a container's restart policy would."""
        for name in self.office.services:
            if name not in self.down and not self.office.supervisor.is_alive(name):
                self.ended_by_themselves.append(name)
                await asyncio.to_thread(self.office.start_process, name, wait=False)

    async def ticker_once(self) -> dict[str, Any]:
        """All looks of the ticker, by hand, over everything; its own report."""
        job = Job("ticker-once", TICKER.module, variables=TICKER.variables)
        wiring = Wiring(self.addresses, self.office.secrets_file, {**self.extra, **AT_ONCE})
        argv = [sys.executable, "-m", job.module, "run-once", "beteiligte", "--json"]
        done = await asyncio.to_thread(
            subprocess.run, argv, env=wiring.environment(job), cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        report: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {"failed": done.stderr[-2000:]}
        return report


def skewed(line: Service, file: Path) -> Service:
    """The same service, whose clock is off by what the file says."""
    arguments = (str(file), line.module)
    return Service(line.name, SKEWED, arguments, port_variable=line.port_variable, variables=line.variables)


def unsafe(line: Service) -> Service:
    """The same worker by the test's own entry point."""
    return Service(line.name, UNSAFE, port_variable=line.port_variable, variables=line.variables)
