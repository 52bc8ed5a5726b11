"""Memory that goes while a call is under way: Redis forgets, PostgreSQL falls back, the address of either moves."""

from __future__ import annotations

import asyncio
import time

from redis.asyncio import Redis

from tests.chaos.aimed import LIMIT, PARTY, Aimed, Judged, Struck
from tests.chaos.changes import Known
from tests.chaos.fields import Side
from tests.chaos.movable import READ_ONLY, MovableBackends
from tests.chaos.oracle import Finding
from tests.chaos.troubles import Loss, Unlocked

LOST = 1.0
"""Seconds of commits that are lost at least."""
LOOKS_LOST = 500
"""So many fences are taken in that time: a busy office's."""
READ_ONLY_AFTER = 0.3
SYNCED = 15.0


class Forgetful(Aimed):
    """Each works on a record of its own, so that what becomes of it is this blow's doing."""

    async def redis_forgets(self, *, all_at_once: bool) -> Struck:
        """A PUT is on its way; its lock is forgotten; a newer value is typed and synced; only then the PUT lands.

        `all_at_once`: FLUSHALL. Else another, empty server at the same address.
        """
        known = await self._own_record()
        match = {"method": "PUT", "path_regex": PARTY, "record": self._betnr(known)}
        rule = await self._world.fault(Side.ADVO, {"kind": "slow", "seconds": 60}, match=match, times=1)
        await self._save(known)
        name = await self._holder(Side.ADVO, rule, "slow")
        since = time.time()
        if name is not None:
            await (self._flush() if all_at_once else self._fail_over())
            await self._save(known)
            await self._until(lambda: self._through({known.key}), LIMIT)
        await self._world.mend(Side.ADVO, rule)
        self._world.troubles.unlocked.append(Unlocked(known.key, since, time.time()))
        how = "flushed" if all_at_once else "empty"
        return f"{how}, {name}, {known.key}" if name else "missed", time.time()

    async def postgres_forgets(self) -> Judged:
        """A PUT is done and its answer on its way; the last second goes; then the answer comes, and people go on."""
        known = await self._own_record()
        since = time.time()
        await asyncio.to_thread(self._servers.copy_postgres)
        copied = time.time()
        await self._world.sql(f"SELECT count(nextval('fence')) FROM generate_series(1, {LOOKS_LOST})")  # noqa: S608
        rule = await self._hold(Side.ADVO, "PUT", PARTY, record=self._betnr(known))
        await self._save(known)
        name = await self._holder(Side.ADVO, rule)
        await asyncio.sleep(max(0.0, copied + LOST - time.time()) + self._chance.uniform(0.0, 1.0))
        self._world.down.add("postgres")
        loss = Loss(since, time.time())
        await asyncio.to_thread(self._servers.fall_back)
        self._world.troubles.losses.append(loss)
        self._world.down.discard("postgres")
        await self._world.mend(Side.ADVO, rule)
        over = time.time()
        await self._until(lambda: self._through({known.key}), LIMIT)
        findings = await self._is_it_stuck(known)
        return f"{loss.at - copied:.1f} s lost, {known.key}" if name else "missed", over, findings

    async def address_moves(self, name: str, seconds: float) -> Struck:
        """A PUT's answer is on its way meanwhile. The old server takes no writes any more, and goes in the end."""
        known = await self._own_record()
        rule = await self._hold(Side.ADVO, "PUT", PARTY, record=self._betnr(known))
        await self._save(known)
        await self._holder(Side.ADVO, rule)
        await (self._move_postgres() if name == "postgres" else self._move_redis())
        await self._world.mend(Side.ADVO, rule)
        await self._save(known)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._servers.end_old, name)
        return f"{name}, the old one for {seconds:.0f} s, {known.key}", time.time()

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def _servers(self) -> MovableBackends:
        if self._world.movable is None:
            raise RuntimeError("this run's servers can't move")
        return self._world.movable

    async def _save(self, known: Known) -> None:
        await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))

    async def _is_it_stuck(self, known: Known) -> list[Finding]:
        """What is typed afterwards comes over, from either side."""
        await self._save(known)
        await self._people.try_to_save(Side.ADVO, known, zusatz=self._people.word(known))
        if await self._until(lambda: self._through({known.key}), LIMIT):
            return []
        text = f"nothing comes over {LIMIT:.0f} s after the database fell back"
        return [Finding("stuck", known.key, text)]

    async def _flush(self) -> None:
        async with Redis.from_url(self._servers.direct_redis) as redis:
            await redis.flushall()

    async def _fail_over(self) -> None:
        await self._world.kill("redis")
        await self._world.back("redis")

    async def _move_postgres(self) -> None:
        """All that the old one committed is in the new one."""
        for statement in (f"ALTER SYSTEM SET {READ_ONLY} = on", "SELECT pg_reload_conf()"):
            await self._world.sql(statement)
        await asyncio.sleep(READ_ONLY_AFTER)  # what was under way when it came into force
        await asyncio.to_thread(self._servers.copy_postgres)
        await asyncio.to_thread(self._servers.move_postgres)

    async def _move_redis(self) -> None:
        """The new one is a replica first, then the old one is."""
        old_url = self._servers.direct_redis
        await asyncio.to_thread(self._servers.move_redis)
        async with Redis.from_url(old_url) as old, Redis.from_url(self._servers.direct_redis) as new:
            await new.replicaof(*_host_and_port(old_url))
            await self._until(lambda: _is_synced(new), SYNCED)
            await new.replicaof("NO", "ONE")
            await old.replicaof(*_host_and_port(self._servers.direct_redis))


async def _is_synced(replica: Redis) -> bool:
    told = await replica.info("replication")
    return str(told.get("master_link_status")) == "up"


def _host_and_port(url: str) -> tuple[str, str]:
    host, _, port = url.partition("//")[2].partition("/")[0].partition(":")
    return host, port
