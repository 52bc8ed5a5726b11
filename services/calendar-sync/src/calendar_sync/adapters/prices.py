"""What calls to Google cost, in Redis for all replicas: per acting account, per project, per written calendar.

Also an account's block after `quotaExceeded`: Google stops its writes for hours, and a loop of tries makes it longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from redis.asyncio import Redis

from calendar_sync.domain.google_errors import WritesBlocked
from synckit.buckets import Bucket, Buckets, Charge, in_turn
from synckit.ports import Clock
from synckit.redis.locks import command

UPSTREAM = "google"
DAY_SECONDS = 86_400.0
_in_background: ContextVar[bool] = ContextVar("in_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """Calls inside leave half of each bucket to everyday changes: the first load of a calendar goes behind them."""
    token = _in_background.set(True)
    try:
        yield
    finally:
        _in_background.reset(token)


@dataclass(frozen=True, slots=True)
class Rates:
    """A second. `wait`: seconds that a call waits for its turn before the run is put off."""

    user: float = 8.0
    user_burst: float = 20.0
    project: float = 150.0
    calendar: float = 5.0
    wait: float = 60.0
    blocked_seconds: float = 6 * 3600.0
    new_a_day: Mapping[str, int] = field(default_factory=lambda: {"calendar": 40, "event": 50_000})


class RedisPrices:
    """`google.client.Prices`. RemoteUnavailable without Redis: no call is made that nobody counts."""

    def __init__(self, buckets: Buckets, redis: Redis, clock: Clock, rates: Rates) -> None:
        self._buckets = buckets
        self._redis = redis
        self._clock = clock
        self._rates = rates

    async def take(self, account: str, calendar: str, price: int, makes: str = "") -> None:
        """Waits for its turn. RateLimited where that would take too long, WritesBlocked where Google wants no write."""
        if calendar:
            await self._ensure_open(account)
        await in_turn(
            self._buckets, self._charges(account, calendar, price, makes), self._clock.sleep, within=self._rates.wait
        )

    async def block(self, account: str) -> None:
        """Google has said `quotaExceeded` to a write of this account."""
        await command(self._redis.set(_block(account), b"1", px=int(self._rates.blocked_seconds * 1000)))

    async def _ensure_open(self, account: str) -> None:
        left: int = await command(self._redis.pttl(_block(account)))
        if left > 0:
            raise WritesBlocked(UPSTREAM, "quotaExceeded", retry_after=left / 1000)

    def _charges(self, account: str, calendar: str, price: int, makes: str) -> list[Charge]:
        rates = self._rates
        priced = [
            Bucket(f"google:account:{_short(account)}", rates.user, rates.user_burst),
            Bucket("google:project", rates.project, max(rates.project, rates.user_burst)),
        ]
        share = 0.5 if _in_background.get() else 0.0
        charges = [each.charge(price, leave=max(0.0, min(each.burst * share, each.burst - price))) for each in priced]
        if calendar:
            own = Bucket(f"google:calendar:{_short(calendar)}", rates.calendar, max(rates.calendar, 1.0))
            charges.append(own.charge(1))
        if makes in rates.new_a_day:
            most = rates.new_a_day[makes]
            charges.append(Bucket(f"google:new:{makes}", most / DAY_SECONDS, most).charge(1))
        return charges


def _block(account: str) -> str:
    return f"google:blocked:{_short(account)}"


def _short(name: str) -> str:
    """An address is nobody's client, but a bucket's name stands in logs."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]
