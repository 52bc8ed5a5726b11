"""The office of the demo: the whole stack in a folder of its own, and the two remote systems in it."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import aiohttp

from demo.calendars import CalendarDay, calendar_day, new_key
from demo.people import Person
from demo.remotes import USER_ID, Advoware, EspoCrm, Linked
from deploy.local.addresses import Addresses
from deploy.local.office import Office
from deploy.local.supervisor import StackError
from deploy.local.table import CALENDAR, ROOT, TICKER, WORKER

STATE_DIR = ROOT / "var" / "demo"
FASTER = {
    "TICKER_SWEEP_SECONDS": "5",
    "TICKER_DESK_SECONDS": "2",
    "TICKER_PARKED_SECONDS": "2",
    "TICKER_ROWS_SECONDS": "5",
    "BRAKE_RETRY_SECONDS": "5",
    "CALENDAR_SYNC_UPKEEP_SECONDS": "2",
    "NOTIFY_USER": USER_ID,
}
"""What an office looks at every few minutes or quarters of an hour, the demo looks at every few seconds.

With it the IT, who is told of an employee's calendar where the employee has no user: Anna.
"""


@dataclass(frozen=True)
class Morning:
    """What a step works with."""

    stack: Office
    espo: EspoCrm
    advo: Advoware
    addresses: Addresses

    async def link(self, *people: Person) -> list[Linked]:
        """Anna enters these people, all at once; wait until all of them are in Advoware and clean."""
        made = await asyncio.gather(*(self.espo.create_person(person) for person in people))
        return list(await asyncio.gather(*(self.espo.until_linked(record) for record in made)))

    @cached_property
    def calendar_key(self) -> str:
        """Of somebody who may ask for runs of calendars."""
        return new_key(self.addresses)

    @asynccontextmanager
    async def calendars(self) -> AsyncIterator[CalendarDay]:
        """Desks and phones, whose calendars are kept in step."""
        async with calendar_day(self.addresses, self.calendar_key) as day:
            yield day

    @asynccontextmanager
    async def without_ticker(self) -> AsyncIterator[None]:
        """The ticker stands still (SIGSTOP), so that what happens meanwhile has come by webhook."""
        self.stack.freeze(TICKER.name)
        try:
            yield
        finally:
            self.stack.thaw(TICKER.name)

    @asynccontextmanager
    async def without_calendar_sync(self) -> AsyncIterator[None]:
        """calendar-sync is stopped: what happens meanwhile, nobody has seen."""
        await asyncio.to_thread(self.stack.stop_process, CALENDAR.name)
        try:
            yield
        finally:
            await asyncio.to_thread(self.stack.start_process, CALENDAR.name)

    @property
    def workers(self) -> list[str]:
        """The names of all processes that sync."""
        return [name for name in self.stack.services if name.startswith(WORKER.name)]

    async def kill_workers(self) -> None:
        """kill -9, all of them at once."""
        await asyncio.gather(*(asyncio.to_thread(self.stack.kill, name) for name in self.workers))

    async def restart_workers(self) -> None:
        """Start them again and wait until they are ready."""
        await asyncio.gather(*(asyncio.to_thread(self.stack.start_process, name) for name in self.workers))


def office(workers: int, state_dir: Path, *, secure: bool = False) -> Office:
    """The stack of the demo, not yet started."""
    return Office(state_dir, workers=workers, extra=FASTER, secure=secure)


@contextmanager
def alone(state_dir: Path) -> Iterator[None]:
    """One demo at a time in a folder: a second one would end the stack of the first."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("another demo is playing in this folder; --state-dir takes another one") from None
        yield


@asynccontextmanager
async def morning(stack: Office, addresses: Addresses) -> AsyncIterator[Morning]:
    """The running stack, seen from outside."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        espo, advo = EspoCrm(session, addresses.espocrm_url), Advoware(session, addresses.advoware_url)
        yield Morning(stack, espo, advo, addresses)
