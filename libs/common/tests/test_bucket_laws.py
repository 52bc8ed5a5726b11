"""Laws of the token buckets, on any rates, prices and times."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.buckets import Bucket, Charge
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock

RATES = st.floats(0.01, 100)
STEPS = st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 5)), min_size=1, max_size=40)


@given(rate=RATES, burst=st.floats(5, 50), steps=STEPS)
def test_no_more_than_burst_and_rate_is_used(rate: float, burst: float, steps: list[tuple[float, float]]) -> None:
    clock, used, began = FakeClock(), 0.0, 0.0

    async def run() -> None:
        nonlocal used, began
        buckets, bucket = FakeBuckets(clock), Bucket("a", rate, burst)
        for pause, price in steps:
            clock.advance(pause)
            began += pause
            if await buckets.take([bucket.charge(price)]) == 0:
                used += price

    asyncio.run(run())
    assert used <= burst + rate * began + 0.001 * len(steps)


@given(rate=RATES, burst=st.floats(5, 50), steps=STEPS)
def test_who_waits_as_told_is_served(rate: float, burst: float, steps: list[tuple[float, float]]) -> None:
    async def run() -> None:
        clock = FakeClock()
        buckets, bucket = FakeBuckets(clock), Bucket("a", rate, burst)
        for _, price in steps:
            if wait := await buckets.take([bucket.charge(price)]):
                clock.advance(wait + 1e-6)  # datetime has no finer steps
                assert await buckets.take([bucket.charge(price)]) <= 2e-6 + 1e-6 / rate

    asyncio.run(run())


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (-1, 1), (float("nan"), 1), (1, float("inf"))])
def test_a_bucket_without_a_rate_is_none(numbers: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Bucket("a", *numbers)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_has_bounds(name: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        Bucket(name, 1, 1)


@pytest.mark.parametrize(("price", "leave"), [(0, 0), (-1, 0), (3, 0), (1, 2), (1, -1), (float("nan"), 0)])
def test_a_price_has_bounds(price: float, leave: float) -> None:
    with pytest.raises(ValueError, match="price"):
        Charge(Bucket("a", 1, 2), price, leave)
