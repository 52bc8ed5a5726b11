"""beteiligte-sync with one of its safeties taken out, to see whether the oracle sees it.

CHAOS_WITHOUT: acks-in-order, intents, fence, growing-fences; or nothing, for the control run. CHAOS_TRAP: a file that
holds a record's id while the next worker that is about to write that record shall stop itself, between its read and
its write.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import beteiligte_sync.app as app
import recordsync.engine as engine
import synckit.redis.locks as redis
from beteiligte_sync.settings import Settings
from recordsync.act.actor import Actor
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.postgres.links import PostgresLinkStore
from recordsync.steps import Act, WriteRight
from synckit.log.logging import configure
from synckit.ports import Attempted, Commit, Intent, PendingNote
from synckit.redis.locks import RedisLease
from synckit.service.settings import load
from synckit.worker import tracker
from synckit.worker.tracker import PartitionTracker

T = TypeVar("T")
WITHOUT, TRAP = "CHAOS_WITHOUT", "CHAOS_TRAP"


class AcksWhenDone(PartitionTracker):
    """Acknowledges each event when it is done, whatever is still at work before it."""

    def advance(self) -> int:
        done = [entry for entry in self._entries if entry.done and not self.closed]
        for entry in done:
            self._entries.remove(entry)
            self._count.taken -= 1
            entry.delivery.ack()
        return len(done)


class NoIntents(PostgresLinkStore):
    """Posts without saying so before."""

    async def declare(self, intent: Intent, fence: int) -> None:
        return


class NoFence(PostgresLinkStore):
    """Writes whatever it wants to: its number is always the newest."""

    async def declare(self, intent: Intent, fence: int) -> None:
        await super().declare(intent, await self._newest(intent.left_id))

    async def announce(
        self, left_id: str, notes: Sequence[PendingNote], attempted: Sequence[Attempted], fence: int
    ) -> None:
        await super().announce(left_id, notes, attempted, await self._newest(left_id))

    async def commit(self, change: Commit) -> None:
        await super().commit(replace(change, fence=await self._newest(change.left_id)))

    async def _newest(self, left_id: str) -> int:
        return (await self.load(left_id)).fence


class NoLease(RedisLease):
    """Never asks whether the lock is still held."""

    def ensure(self) -> None:
        return

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        return await write


class TrappedActor(Actor):
    """Stops its own process before the first write of the record that is wanted."""

    async def act(self, step: Act, memory: Memory, seen: Observation) -> tuple[Memory, Observation]:
        if isinstance(step, WriteRight):
            _stop_if_wanted(memory.left_id)
        return await super().act(step, memory, seen)


def _stop_if_wanted(left_id: str) -> None:
    trap = Path(os.environ[TRAP])
    try:
        wanted = trap.read_text()
    except FileNotFoundError:
        return
    if wanted == left_id:
        trap.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)


def _without_acks() -> None:
    _swap(tracker, "PartitionTracker", AcksWhenDone)


def _without_intents() -> None:
    _swap(app, "PostgresLinkStore", NoIntents)


def _without_fence() -> None:
    _swap(app, "PostgresLinkStore", NoFence)
    _swap(redis, "RedisLease", NoLease)


def _swap(module: Any, name: str, other: type) -> None:
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} has no {name} any more: this safety can't be taken out")
    setattr(module, name, other)


SAFETIES: Mapping[str, Callable[[], None]] = {
    "acks-in-order": _without_acks,
    "intents": _without_intents,
    "fence": _without_fence,
    "growing-fences": lambda: None,  # taken out of the database, by the world
    "nothing": lambda: None,
}


def main() -> int:
    without = os.environ.pop(WITHOUT)
    SAFETIES[without]()
    _swap(engine, "Actor", TrappedActor)
    settings = load(Settings)
    configure(settings.service, level=settings.log.level, style=settings.log.format)
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    return await app.build(settings).run()


if __name__ == "__main__":
    raise SystemExit(main())
