"""The chaos of `make chaos` in small: a few blows, two workers, one seed each. The long one is a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import Plan, Run

PARTIES = ("kill-after-post", "kill-after-put", "kill-postgres", "kill-worker")
KINDS = (*PARTIES, "kill-after-insert", "google-resets")
PLAN = Plan(seed=7, changes=120, kills=len(KINDS), workers=2, only=KINDS, limit=90.0)


@pytest.mark.stack
async def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    report = await Run(PLAN, tmp_path / "stack", tell=print).run()
    assert report.is_good, "\n".join(report.lines())
    assert report.changes >= PLAN.changes
    assert [kill.kind for kill in report.kills if kill.what != "missed"] == list(KINDS)


FORGET = ("redis-forgets", "postgres-forgets", "purge", "poison")
MOVE = ("move-postgres", "move-redis", "clocks-apart", "lying-times")


@pytest.mark.stack
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kinds", [FORGET, MOVE], ids=["memory", "places"])
async def test_nothing_is_lost_whatever_is_forgotten_or_moved(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Memory and topic in one, addresses, clocks and times in the other."""
    plan = Plan(seed=11, changes=40, kills=len(kinds), workers=2, only=kinds, limit=90.0)
    report = await Run(plan, tmp_path / "stack", tell=print).run()
    assert report.is_good, "\n".join(report.lines())
    assert [kill.kind for kill in report.kills if kill.what != "missed"] == list(kinds)
