"""What every Locks must do: the same suite over the fake and over Redis."""

from __future__ import annotations

import asyncio

from synckit.errors import Locked
from synckit.ports import Locks


class LocksContract:
    """One holder a name, whoever asks."""

    async def make_locks(self) -> Locks:
        """Nothing held."""
        raise NotImplementedError

    async def test_a_held_lock_is_refused_to_everybody_else(self) -> None:
        locks = await self.make_locks()
        async with locks.hold("contract.a"):
            assert await _is_refused(locks, "contract.a")

    async def test_two_names_are_two_locks(self) -> None:
        locks = await self.make_locks()
        async with locks.hold("contract.a"):
            assert not await _is_refused(locks, "contract.b")

    async def test_a_lease_is_good_while_it_is_held(self) -> None:
        locks = await self.make_locks()
        async with locks.hold("contract.a") as lease:
            lease.ensure()
            assert await _is_refused(locks, "contract.a")

    async def test_a_lock_is_free_after_its_block(self) -> None:
        locks = await self.make_locks()
        async with locks.hold("contract.a"):
            pass
        assert not await _is_refused(locks, "contract.a")

    async def test_a_lock_is_free_after_an_error(self) -> None:
        locks = await self.make_locks()
        try:
            async with locks.hold("contract.a"):
                raise LookupError
        except LookupError:
            pass
        assert not await _is_refused(locks, "contract.a")

    async def test_a_lock_is_free_after_its_holder_was_cancelled(self) -> None:
        locks, held = await self.make_locks(), asyncio.Event()

        async def hold() -> None:
            async with locks.hold("contract.a"):
                held.set()
                await asyncio.Event().wait()

        holder = asyncio.create_task(hold())
        await held.wait()
        holder.cancel()
        await asyncio.wait([holder])
        assert holder.cancelled()
        assert not await _is_refused(locks, "contract.a")


async def _is_refused(locks: Locks, name: str) -> bool:
    try:
        async with locks.hold(name):
            return False
    except Locked:
        return True
