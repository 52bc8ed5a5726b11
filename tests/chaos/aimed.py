"""Blows that wait for the worst moment: right after a write, in the middle of a sync, behind a head that is stuck."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
from aiokafka.partitioner import DefaultPartitioner

from deploy.local.table import TICKER
from tests.chaos.changes import Known, People
from tests.chaos.fields import Side
from tests.chaos.history import Record
from tests.chaos.oracle import Finding
from tests.chaos.remains import PARTITIONS, lag
from tests.chaos.world import World

PARTY = r"/Beteiligte/\d+$"
RECORD = r"/CBeteiligte/\w+$"
LIMIT = 25.0
FOLLOWERS = 6
COMMITTED = 2.5
"""Seconds after which a worker has told the broker how far it is."""
Struck = tuple[str, float]
Judged = tuple[str, float, list[Finding]]


class Aimed:
    """Each answers what was hit and when it was let be again."""

    def __init__(self, world: World, people: People, chance: random.Random) -> None:
        self._world = world
        self._people = people
        self._chance = chance

    async def kill_after_post(self) -> Struck:
        """Advoware has stored the new party; the worker dies before it hears of it."""
        rule = await self._hold(Side.ADVO, "POST", "/Beteiligte$")
        await self._people.create()
        return await self._kill_the_holder(Side.ADVO, rule)

    async def kill_after_put(self, side: Side) -> Struck:
        """One side is written, the other one is not, and nobody remembers."""
        known = self._some_record()
        rule = await self._hold(side, "PUT", PARTY if side is Side.ADVO else RECORD)
        await asyncio.gather(
            self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known)),
            self._people.try_to_save(Side.ADVO, known, zusatz=self._people.word(known)),
        )
        return await self._kill_the_holder(side, rule)

    async def freeze_in_a_sync(self, seconds: float) -> Struck:
        """A worker sleeps between its read and its write; others take over, people go on, and then it wakes up."""
        known = self._some_record()
        self._world.trap(known.espo_id)
        rule = await self._hold(Side.ADVO, "GET", PARTY, record=self._betnr(known))
        await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
        name = await self._holder(Side.ADVO, rule)
        if name is None:
            self._world.trap(None)
            await self._world.mend(Side.ADVO, rule)
            return "missed", time.time()
        if self._world.is_trapping:
            await self._world.mend(Side.ADVO, rule)
            await self._until(lambda: self._stopped(name), LIMIT)
        else:
            self._world.office.freeze(name)
            await self._world.mend(Side.ADVO, rule)
        try:
            await asyncio.sleep(seconds / 2)
            await self._people.try_to_save(Side.ADVO, known, zusatz=self._people.word(known))
            await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
            await asyncio.sleep(seconds / 2)
        finally:
            self._world.trap(None)
            self._world.office.thaw(name)
        return f"{name}, {known.key}, {seconds:.0f} s", time.time()

    async def slow_head(self) -> Judged:
        """The first event of a partition is stuck, those behind it are done, the worker dies; the ticker is silent."""
        head, followers = self._of_one_partition()
        self._world.office.freeze(TICKER.name)
        try:
            rule = await self._hold(Side.ADVO, "GET", PARTY, times=None, record=self._betnr(head))
            await self._people.try_to_save(Side.ESPO, head, titel=self._people.word(head))
            name = await self._holder(Side.ADVO, rule)
            if name is None:
                return "missed", time.time(), []
            for known in followers:
                await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
            keys = {known.key for known in followers}
            await self._until(lambda: self._through(keys), LIMIT)
            await asyncio.sleep(COMMITTED)
            await self._world.kill(name)
            await self._world.mend(Side.ADVO, rule)
            over = time.time()
            await self._world.back(name)
            findings = await self._is_head_forgotten(head)
        finally:
            await self._world.mend(Side.ADVO)
            self._world.office.thaw(TICKER.name)
        return f"{name}, {head.key} before {len(followers)}", over, findings

    async def _is_head_forgotten(self, head: Known) -> list[Finding]:
        """The group has no event left to do, and the head's has not been done."""
        nothing_left = 0
        deadline = time.time() + 2 * LIMIT
        while self._behind({head.key}) and time.time() < deadline:
            left = await lag(self._world.addresses.kafka)
            nothing_left = nothing_left + 1 if left == 0 and not await self._world.in_progress() else 0
            if nothing_left > 8:
                text = "acknowledged and never handled: a slow head before fast followers"
                return [Finding("event lost", head.key, text)]
            await asyncio.sleep(0.5)
        return []

    # -- parts ---------------------------------------------------------------------------------------------------

    def _some_record(self) -> Known:
        return self._chance.choice(self._people.linked())

    def _betnr(self, known: Known) -> str:
        return str(self._world.history.records[known.key].betnr)

    def _of_one_partition(self) -> tuple[Known, list[Known]]:
        """A record, and others whose events are in the same partition; the fullest one."""
        by_partition: dict[int, list[Known]] = {}
        partitioner, partitions = DefaultPartitioner(), list(range(PARTITIONS))
        for known in self._people.linked():
            number = partitioner(known.espo_id.encode(), partitions, partitions)
            by_partition.setdefault(number, []).append(known)
        head, *followers = max(by_partition.values(), key=len)
        return head, followers[:FOLLOWERS]

    async def _hold(self, side: Side, method: str, path: str, times: int | None = 1, record: str | None = None) -> int:
        match = {"method": method, "path_regex": path} | ({"record": record} if record else {})
        return await self._world.fault(side, {"kind": "hold_after", "seconds": 40}, match=match, times=times)

    async def _kill_the_holder(self, side: Side, rule: int) -> Struck:
        name = await self._holder(side, rule)
        if name is None:
            await self._world.mend(side, rule)
            return "missed", time.time()
        await self._world.kill(name)
        await self._world.mend(side, rule)
        await asyncio.sleep(self._chance.uniform(0.2, 3.0))
        over = time.time()
        await self._world.back(name)
        return name, over

    async def _own_record(self) -> Known:
        """A record that nobody else touches, on both sides."""
        known = await self._people.create(reserved=True)
        await self._until(lambda: self._record(known) is not None and bool(self._betnr(known)), 2 * LIMIT)
        await self._until(lambda: self._through({known.key}), LIMIT)
        return known

    def _record(self, known: Known) -> Record | None:
        record = self._world.history.records.get(known.key)
        return record if record is not None and record.betnr else None

    async def _holder(self, side: Side, rule: int, fault: str = "hold_after") -> str | None:
        """The worker whose call is held back, once there is one."""
        found: list[str] = []
        since = int((await self._world.ask(side, "GET", "/_sandbox/health"))["last_seq"]) - 500

        async def probe() -> bool:
            for call in await self._world.calls(side, max(0, since)):
                if call["fault"] == fault and call["ended"] is None and (name := self._worker(call)):
                    found.append(name)
            return bool(found)

        await self._until(probe, LIMIT)
        return found[0] if found else None

    def _worker(self, call: dict[str, Any]) -> str | None:
        """The process name of the agent that called."""
        for name in self._world.workers:
            pid = self._world.office.supervisor.pid(name)
            if pid is not None and str(call["agent"]).endswith(f"-{pid}"):
                return name
        return None

    def _stopped(self, name: str) -> bool:
        pid = self._world.office.supervisor.pid(name)
        return pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED

    async def _through(self, keys: set[str]) -> bool:
        """All that was typed there until now is on both sides."""
        await self._world.observe()
        return not self._behind(keys)

    def _behind(self, keys: set[str]) -> bool:
        records = self._world.history.records
        return any(records[key].waiting for key in keys if key in records)

    @staticmethod
    async def _until(probe: Callable[[], bool | Awaitable[bool]], limit: float) -> bool:
        deadline = time.time() + limit
        while time.time() < deadline:
            seen = probe()
            if seen if isinstance(seen, bool) else await seen:
                return True
            await asyncio.sleep(0.1)
        return False
