"""Token buckets with a price per call: how much may be asked of a remote, for all replicas together.

A bucket holds at most `burst` tokens and gains `per_second` of them each second. A call states its price in each of the
buckets it needs (the acting account, the project, the calendar) and takes from all of them or from none.

    account = Bucket(f"google:account:{address}", per_second=8, burst=20)
    project = Bucket("google:project", per_second=150, burst=150)
    await in_turn(buckets, [account.charge(3), project.charge(3)], clock.sleep, within=30)

`synckit.redis.buckets.RedisBuckets` shares them through Redis, `synckit.testing.buckets.FakeBuckets` keeps them here.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from synckit.errors import RateLimited

LONGEST_NAME = 200
"""Characters of a bucket's name."""
LONGEST_WITHIN = 3600.0
"""Seconds that a call can be told to wait for tokens that are taken already."""
MOST_CHARGES = 8
"""Buckets of one call."""
_NEARLY = 1e-6
"""Tokens that rounding may lose: who has waited as told is not told to wait again."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit. `name` is unique in the product: `<remote>:<kind>:<id>`, no client data.

    Calls that name a bucket have to agree on its rate; where they differ each one counts by its own. ValueError where
    a rate or burst is none, or the name is empty or longer than LONGEST_NAME.
    """

    name: str
    per_second: float
    burst: float

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= LONGEST_NAME:
            raise ValueError("a bucket's name has 1 to 200 characters")
        if not (_is_positive(self.per_second) and _is_positive(self.burst)):
            raise ValueError("a bucket's rate and burst are more than 0")

    def charge(self, price: float = 1.0, *, leave: float = 0.0) -> Charge:
        """What one call takes out of it."""
        return Charge(self, price, leave)


@dataclass(frozen=True, slots=True)
class Charge:
    """`price` tokens of a bucket, taken only where `leave` tokens stay behind (for calls that are more urgent).

    ValueError where the bucket could never give that much.
    """

    bucket: Bucket
    price: float = 1.0
    leave: float = 0.0

    def __post_init__(self) -> None:
        if not _is_positive(self.price) or not 0 <= self.leave < math.inf:
            raise ValueError("a price is more than 0, what is left is not less than 0")
        if self.price + self.leave > self.bucket.burst:
            raise ValueError("a price that no full bucket can pay")


class Buckets(Protocol):
    """The limits as all replicas see them."""

    async def take(self, charges: Sequence[Charge], *, within: float = 0.0) -> float:
        """Takes all charges, or none of them. Answers the seconds after which the call is allowed.

        - 0: taken, the call may be sent now.
        - More than 0, at most `within`: taken, the call is sent after so many seconds. Those who wait are in a queue,
          each with a moment of its own; over any time t at most burst + rate x (t + within) tokens are used.
        - More than `within`: nothing was taken; worth asking again after so many seconds.

        `within` is at most LONGEST_WITHIN, `charges` are 1 to MOST_CHARGES of different buckets: else ValueError.
        RemoteUnavailable where the shared state can't be reached: then the call may not be sent. Where that state was
        lost the buckets are full.
        """


async def in_turn(
    buckets: Buckets, charges: Sequence[Charge], sleep: Callable[[float], Awaitable[None]], *, within: float
) -> None:
    """Returns when the call may be sent, after at most `within` seconds of sleep.

    RateLimited with the seconds to wait where that would be longer; then nothing was taken.
    """
    wait = await buckets.take(charges, within=within)
    if wait > within:
        raise RateLimited("own limit", ", ".join(charge.bucket.name for charge in charges), retry_after=wait)
    if wait > 0:
        await sleep(wait)


def ensure_possible(charges: Sequence[Charge], within: float) -> None:
    """ValueError where `Buckets.take` can't be asked this."""
    if not 0 <= within <= LONGEST_WITHIN:
        raise ValueError("a wait is between 0 and an hour")
    names = {charge.bucket.name for charge in charges}
    if not 0 < len(charges) <= MOST_CHARGES or len(names) < len(charges):
        raise ValueError("1 to 8 charges, each of another bucket")


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket at a moment: `tokens` (less than 0: calls wait for them), `at` in seconds of one clock."""

    tokens: float
    at: float


def level_now(bucket: Bucket, stored: Level | None, now: float) -> Level:
    """The bucket at `now`; full where nothing is stored. A clock that went back adds nothing and takes nothing."""
    if stored is None:
        return Level(bucket.burst, now)
    tokens = min(bucket.burst, stored.tokens + max(0.0, now - stored.at) * bucket.per_second)
    # No call can have been promised tokens further ahead: a smaller level is nonsense, or of a larger rate.
    return Level(max(tokens, -LONGEST_WITHIN * bucket.per_second), now)


def seconds_until(charge: Charge, level: Level) -> float:
    """Until the bucket can pay the charge; in whole microseconds, rounded up."""
    missing = charge.price + charge.leave - level.tokens
    return 0.0 if missing <= _NEARLY else math.ceil(missing / charge.bucket.per_second * 1e6) / 1e6


def _is_positive(number: float) -> bool:
    return 0 < number < math.inf
