"""A start in any order: what is away is waited for, what is wrong is not."""

from __future__ import annotations

import pytest

from synckit.errors import PermanentError, RemoteUnavailable
from synckit.service.startup import until_there
from synckit.testing.clock import FakeClock


async def test_what_is_away_is_asked_again_with_growing_pauses() -> None:
    clock, asked = FakeClock(), 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        if asked < 9:
            raise RemoteUnavailable("postgres", "away")
        return "there"

    before = clock.monotonic()
    assert await until_there("database", ask, clock) == "there"
    assert clock.monotonic() - before == pytest.approx(0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 * 3)


async def test_what_is_wrong_is_not_waited_for() -> None:
    async def ask() -> None:
        raise PermanentError("schema")

    with pytest.raises(PermanentError):
        await until_there("database", ask, FakeClock())
