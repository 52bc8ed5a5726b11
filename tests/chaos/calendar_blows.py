"""Blows against calendar-sync and Google: kills, also between an insert and its answer; faults; tokens that die."""

from __future__ import annotations

import asyncio
import random
import time

from deploy.local.table import CALENDAR
from sandbox.google.service_account import ROLE_ACCOUNT
from tests.chaos.calendars import NAMES, Calendars
from tests.chaos.world import World

OURS = {"caller": ROLE_ACCOUNT}
"""Our writes and reads of events; people on phones have faults of nobody."""
INSERT_LIMIT = 25.0
Struck = tuple[str, float]


class CalendarBlows:
    """Each answers what was hit and when it was let be again (Unix seconds)."""

    def __init__(self, world: World, calendars: Calendars, chance: random.Random) -> None:
        self._world = world
        self._calendars = calendars
        self._chance = chance

    async def kill(self) -> Struck:
        """-9, at any moment."""
        await self._world.kill(CALENDAR.name)
        await asyncio.sleep(self._chance.uniform(0.3, 5.0))
        over = time.time()
        await self._world.back(CALENDAR.name)
        return CALENDAR.name, over

    async def kill_after_insert(self) -> Struck:
        """Google has stored the event; the service dies before it hears of it."""
        rule = await self._fault({"kind": "hold_after"}, {"method": "POST", "path_regex": "/events$"}, times=1)
        # New appointments at desks go to Google soon: somebody asks for runs all the time.
        await self._calendars.act("enter")
        deadline = time.monotonic() + INSERT_LIMIT
        while not await self._fired(rule) and time.monotonic() < deadline:
            await self._calendars.act("enter")
            await asyncio.sleep(0.3)
        is_held = bool(await self._fired(rule))
        if is_held:
            await self._world.kill(CALENDAR.name)
        await self._mend(rule)
        over = time.time()
        if is_held:
            await self._world.back(CALENDAR.name)
        return CALENDAR.name if is_held else "missed", over

    async def answers_5xx(self) -> Struck:
        """Google answers some or all calls with an error for some seconds."""
        status, seconds = self._chance.choice((500, 502, 503, 429)), self._seconds()
        rule = await self._fault(
            {"kind": "status", "status": status}, {}, probability=self._chance.choice((0.4, 1.0)), seed=1
        )
        await asyncio.sleep(seconds)
        await self._mend(rule)
        return f"{status} for {seconds:.0f} s", time.time()

    async def loses_answers(self) -> Struck:
        """Connections are cut, before or after the call was carried out."""
        kind, seconds = self._chance.choice(("reset_before", "reset_after")), self._seconds()
        rule = await self._fault({"kind": kind}, {}, probability=0.3, seed=2)
        await asyncio.sleep(seconds)
        await self._mend(rule)
        return f"{kind} for {seconds:.0f} s", time.time()

    async def tokens_die(self) -> Struck:
        """All sync tokens are over, and lists show no tombstones of before."""
        answer = self._chance.choice((410, 400))
        body = {"answer": answer, "while_paging": self._chance.random() < 0.3, "purge": True}
        await self._calendars.day.google("POST", "/_sandbox/google/expire-sync-tokens", body)
        return f"{answer}, {len(NAMES)} calendars", time.time()

    def _seconds(self) -> float:
        return self._chance.triangular(3.0, 12.0, 3.0)

    async def _fault(self, fault: dict[str, object], match: dict[str, str], **rule: object) -> int:
        told = await self._calendars.day.google(
            "POST", "/_sandbox/faults", {"fault": fault, "match": {**OURS, **match}, **rule}
        )
        return int(told["id"])

    async def _fired(self, rule: int) -> int:
        told = await self._calendars.day.google("GET", "/_sandbox/faults")
        return next((int(each["fired"]) for each in told["faults"] if each["id"] == rule), 0)

    async def _mend(self, rule: int) -> None:
        await self._calendars.day.google("DELETE", f"/_sandbox/faults/{rule}")
