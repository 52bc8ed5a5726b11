"""A coroutine begun without a task: it ends, waits, fails and is cancelled as if it had one."""

from __future__ import annotations

import asyncio

import pytest

from synckit.eager import Begun


async def test_what_never_waits_has_ended_at_once() -> None:
    async def quick() -> int:
        return 1

    begun = Begun(quick())
    assert (begun.finished, begun.value, await begun) == (True, 1, 1)


async def test_what_fails_at_once_fails_where_it_was_begun() -> None:
    async def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Begun(broken())


async def test_what_waits_goes_on_in_the_task_that_awaits_it() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    locked = asyncio.Lock()
    steps: list[str] = []

    async def slow() -> int:
        async with locked:
            steps.append("begun")
            first = await future
            steps.append("waited")
            await asyncio.gather(*[_turn() for _ in range(3)])
            return first + 1

    begun = Begun(slow())
    assert not begun.finished
    assert steps == ["begun"]
    task = asyncio.ensure_future(begun)
    future.set_result(1)
    assert await task == 2
    assert steps == ["begun", "waited"]
    assert not locked.locked()


async def _turn() -> None:
    await asyncio.get_running_loop().run_in_executor(None, int)


async def test_a_failure_of_what_it_waits_for_reaches_it_and_can_be_dealt_with() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def careful() -> str:
        try:
            await future
        except KeyError:
            return "dealt with"
        return "never"

    begun = Begun(careful())
    future.set_exception(KeyError("x"))
    assert await begun == "dealt with"


async def test_cancelling_the_task_that_awaits_it_cancels_it() -> None:
    cleaned: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    task = asyncio.ensure_future(Begun(waits()))
    await asyncio.wait({task}, timeout=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == ["up"]
