"""The real clock keeps the promises of its port."""

from __future__ import annotations

from datetime import timedelta

from synckit.clock import SystemClock
from synckit.ports import Clock


async def test_now_is_utc_and_monotonic_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().utcoffset() == timedelta(0)
