"""What every Buckets must do: the same suite over the fake and over Redis.

Rates are so slow that a busy machine adds no token, or so fast that one is there before the next question.
"""

from __future__ import annotations

import asyncio

import pytest

from synckit.buckets import LONGEST_WITHIN, Bucket, Buckets, Charge, in_turn
from synckit.errors import RateLimited

HOUR = 3600.0


class BucketsContract:
    """All or nothing, the same for whoever asks."""

    async def make_buckets(self) -> tuple[Buckets, Buckets]:
        """Two replicas' view of the same fresh buckets."""
        raise NotImplementedError

    async def forget(self) -> None:
        """All that is stored is lost."""
        raise NotImplementedError

    async def set_back(self, name: str, seconds: float) -> None:
        """The clock of the shared state was set back by so much after the bucket was last written."""
        raise NotImplementedError

    async def test_a_burst_passes_then_nothing(self) -> None:
        one, other = await self.make_buckets()
        charge = Bucket("contract:a", 5 / HOUR, 5).charge()
        waits = await asyncio.gather(*((one, other)[n % 2].take([charge]) for n in range(12)))
        assert sorted(wait > 0 for wait in waits) == [False] * 5 + [True] * 7
        assert all(700 < wait <= 720 for wait in waits if wait)

    async def test_tokens_come_back_with_time(self) -> None:
        one, _ = await self.make_buckets()
        charge = Bucket("contract:a", 1000.0, 1).charge()
        for _attempt in range(3):
            await in_turn(one, [charge], asyncio.sleep, within=60)

    async def test_a_price_is_paid_in_tokens(self) -> None:
        one, _ = await self.make_buckets()
        bucket = Bucket("contract:a", 1 / HOUR, 4)
        assert await one.take([bucket.charge(3)]) == 0
        assert HOUR < await one.take([bucket.charge(3)]) <= 2 * HOUR
        assert await one.take([bucket.charge(1)]) == 0

    async def test_all_buckets_or_none(self) -> None:
        one, other = await self.make_buckets()
        account, project = Bucket("contract:account", 1 / HOUR, 2), Bucket("contract:project", 1 / HOUR, 5)
        charges = [account.charge(), project.charge()]
        assert [await one.take(charges) > 0 for _ in range(4)] == [False, False, True, True]
        assert [await other.take([project.charge()]) > 0 for _ in range(4)] == [False] * 3 + [True]

    async def test_the_longest_wait_is_told(self) -> None:
        one, _ = await self.make_buckets()
        quick, slow = Bucket("contract:quick", 10 / HOUR, 1), Bucket("contract:slow", 1 / HOUR, 1)
        assert await one.take([quick.charge(), slow.charge()]) == 0
        assert HOUR * 0.9 < await one.take([quick.charge(), slow.charge()]) <= HOUR

    async def test_what_is_to_stay_is_left(self) -> None:
        one, _ = await self.make_buckets()
        bucket = Bucket("contract:a", 1 / HOUR, 3)
        assert await one.take([bucket.charge(1, leave=2)]) == 0
        assert await one.take([bucket.charge(1, leave=2)]) > 0
        assert await one.take([bucket.charge(2)]) == 0

    async def test_waiting_calls_queue(self) -> None:
        """Each that is taken ahead has a moment of its own, and one too far ahead takes nothing."""
        one, other = await self.make_buckets()
        charge = Bucket("contract:a", 1 / 600, 1).charge()
        waits = [await each.take([charge], within=1500) for each in (one, other, one, other)]
        assert waits[0] == 0
        assert 540 < waits[1] <= 600 < 1140 < waits[2] <= 1200 < 1740 < waits[3] <= 1800
        assert 1740 < await one.take([charge], within=0) <= 1800

    async def test_a_wait_too_long_is_told(self) -> None:
        one, _ = await self.make_buckets()
        charge = Bucket("contract:a", 1 / HOUR, 1).charge()
        await in_turn(one, [charge], asyncio.sleep, within=0)
        with pytest.raises(RateLimited) as refused:
            await in_turn(one, [charge], asyncio.sleep, within=1)
        assert refused.value.retry_after == pytest.approx(HOUR, rel=0.1)

    async def test_what_is_forgotten_is_full(self) -> None:
        one, other = await self.make_buckets()
        charge = Bucket("contract:a", 1 / HOUR, 1).charge()
        assert await one.take([charge]) == 0
        assert await other.take([charge]) > 0
        await self.forget()
        assert await other.take([charge]) == 0

    async def test_a_clock_set_back_costs_nothing(self) -> None:
        """No token is made of it, and what comes after the first question comes as ever."""
        one, other = await self.make_buckets()
        slow, quick = Bucket("contract:slow", 1 / HOUR, 1).charge(), Bucket("contract:quick", 1000.0, 1).charge()
        assert await one.take([slow, quick]) == 0
        await self.set_back("contract:slow", 10 * HOUR)
        await self.set_back("contract:quick", 10 * HOUR)
        assert HOUR * 0.9 < await other.take([slow]) <= HOUR
        for _attempt in range(2):
            await in_turn(one, [quick], asyncio.sleep, within=60)

    async def test_a_smaller_bucket_than_before_holds_less(self) -> None:
        """Another setting counts at once."""
        one, other = await self.make_buckets()
        assert await one.take([Bucket("contract:a", 1.0, 100).charge()]) == 0
        small = Bucket("contract:a", 1 / HOUR, 2).charge()
        assert [await other.take([small]) > 0 for _ in range(3)] == [False, False, True]

    @pytest.mark.parametrize("within", [-1.0, float("nan"), LONGEST_WITHIN + 1])
    async def test_a_wait_out_of_bounds_is_refused(self, within: float) -> None:
        one, _ = await self.make_buckets()
        with pytest.raises(ValueError, match="an hour"):
            await one.take([Bucket("contract:a", 1, 1).charge()], within=within)

    async def test_odd_charges_are_refused(self) -> None:
        one, _ = await self.make_buckets()
        charge = Bucket("contract:a", 1, 1).charge()
        many = [Charge(Bucket(f"contract:{n}", 1, 1)) for n in range(9)]
        for charges in ([], [charge, charge], many):
            with pytest.raises(ValueError, match="1 to 8 charges"):
                await one.take(charges)
