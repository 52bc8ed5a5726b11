"""One timer for many: each is told in time, nobody who is through, and a cancellation stays one."""

from __future__ import annotations

import asyncio

import pytest

from deploy.local.waiting import LONG
from synckit.deadlines import Deadlines
from synckit.testing.worker import settle

SOON, LATER = 0.01, 600.0


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_is_not_over_in_time_is_told_each_once_and_in_order() -> None:
    deadlines, told = Deadlines(SOON), asyncio.Queue[int]()
    for number in range(3):
        deadlines.begin(lambda number=number: told.put_nowait(number))  # type: ignore[misc]
    assert [await asyncio.wait_for(told.get(), LONG) for _ in range(3)] == [0, 1, 2]
    assert told.empty()


async def test_what_is_over_is_not_told_and_those_behind_it_are() -> None:
    deadlines, told = Deadlines(SOON), asyncio.Queue[str]()
    over = deadlines.begin(lambda: told.put_nowait("over"))
    deadlines.begin(lambda: told.put_nowait("first"))
    deadlines.end(over)
    assert await asyncio.wait_for(told.get(), LONG) == "first"
    deadlines.begin(lambda: told.put_nowait("second"))
    assert await asyncio.wait_for(told.get(), LONG) == "second"
    assert told.empty()


async def test_a_call_in_time_answers_and_nothing_is_kept_of_it() -> None:
    deadlines = Deadlines(LATER)

    async def answer() -> int:
        await settle()
        return 7

    assert await deadlines.within(answer()) == 7
    assert len(deadlines._waiting) == 0


async def test_a_call_that_hangs_is_cancelled_and_the_task_goes_on() -> None:
    with pytest.raises(TimeoutError):
        await Deadlines(SOON).within(forever())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_calls_own_error_is_told_as_it_is() -> None:
    async def broken() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await Deadlines(LATER).within(broken())


async def test_a_call_that_cleans_up_when_its_time_is_up_may_tell_its_own_error() -> None:
    async def stubborn() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            raise KeyError from None

    with pytest.raises(KeyError):
        await Deadlines(SOON).within(stubborn())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    task = asyncio.create_task(Deadlines(LATER).within(forever()))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
