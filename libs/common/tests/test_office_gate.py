"""Who may come in, for whichever service: recognised, slowed down, granted, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from kanzlei.callers.gate import STATUS, Gate, NotAdmitted
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from synckit.errors import RemoteUnavailable
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock

SYNC = "/advoware/calendar/sync"
KEY_ID, SECRET = new_secret()
GRANTS = (Grant.parse(f"POST {SYNC}"), Grant.parse(f"GET {SYNC}/:word"))


class Known:
    """`gate.Callers` of one key; `away` is a database that does not answer."""

    def __init__(self, *callers: Caller) -> None:
        self.callers = {caller.key_id: caller for caller in callers}
        self.away = False

    async def known(self) -> Mapping[str, Caller]:
        if self.away:
            raise RemoteUnavailable("postgres", "away")
        return self.callers


class Bench:
    def __init__(self, burst: int = 5) -> None:
        self.clock = FakeClock()
        expires = self.clock.now() + timedelta(days=1)
        self.known = Known(Caller(KEY_ID, digest_of(SECRET), GRANTS, Rate(60, burst), expires))
        self.buckets = FakeBuckets(self.clock)
        self.gate = Gate("calendar-sync", self.known, self.buckets, self.clock)

    async def refused(self, credential: str | None, method: str = "POST", path: str = SYNC) -> NotAdmitted:
        with pytest.raises(NotAdmitted) as caught:
            await self.gate.admit(credential, method, path)
        return caught.value


GOOD = f"{KEY_ID}.{SECRET}"


async def test_a_key_with_the_grant_comes_in() -> None:
    bench = Bench()
    assert (await bench.gate.admit(GOOD, "POST", SYNC)).key_id == KEY_ID
    assert (await bench.gate.admit(GOOD, "GET", f"{SYNC}/a1b2")).key_id == KEY_ID
    assert [charge.bucket.name for taken in bench.buckets.taken for charge in taken] == [f"calendar-sync:{KEY_ID}"] * 2


@pytest.mark.parametrize("credential", [None, "", GOOD[:-1], f"{KEY_ID}.{'x' * 43}", f"k{'0' * 12}.{SECRET}", "ü" * 60])
async def test_nobody_else_is_known(credential: str | None) -> None:
    bench = Bench()
    refused = await bench.refused(credential)
    assert (STATUS[refused.code], refused.caller, bench.buckets.taken) == (401, "", [])


async def test_an_expired_key_is_unknown() -> None:
    bench = Bench()
    bench.clock.advance(86_401)
    assert (await bench.refused(GOOD)).code == "unauthenticated"


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", SYNC), ("POST", f"{SYNC}/a"), ("GET", SYNC), ("POST", "/"), ("POST", f"{SYNC}/")]
)
async def test_what_no_grant_names_is_not_allowed(method: str, path: str) -> None:
    """And costs: who tries what it may not do is slowed down, too."""
    bench = Bench(burst=1)
    refused = await bench.refused(GOOD, method, path)
    assert (STATUS[refused.code], refused.caller) == (403, KEY_ID)
    assert STATUS[(await bench.refused(GOOD)).code] == 429


async def test_a_rate_says_when_to_come_again() -> None:
    bench = Bench(burst=2)
    for _ in range(2):
        await bench.gate.admit(GOOD, "POST", SYNC)
    refused = await bench.refused(GOOD)
    assert refused.code == "rate"
    assert refused.retry_after == pytest.approx(1.0, abs=0.01)
    bench.clock.advance(1.1)
    assert (await bench.gate.admit(GOOD, "POST", SYNC)).key_id == KEY_ID


async def test_each_service_counts_by_itself() -> None:
    bench = Bench(burst=1)
    await bench.gate.admit(GOOD, "POST", SYNC)
    other = Gate("advoware-proxy", bench.known, bench.buckets, bench.clock)
    assert (await other.admit(GOOD, "POST", SYNC)).key_id == KEY_ID


async def test_where_nobody_can_tell_nobody_comes_in() -> None:
    bench = Bench()
    bench.buckets.away = True
    with pytest.raises(RemoteUnavailable):
        await bench.gate.admit(GOOD, "POST", SYNC)
    bench.known.away = True
    with pytest.raises(RemoteUnavailable):
        await bench.gate.admit(GOOD, "POST", SYNC)
