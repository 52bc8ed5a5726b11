"""The chaos of `make chaos` in a minute and a half: four kills, two workers, one seed. The long one is a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import Plan, Run

KINDS = ("kill-after-post", "kill-after-put", "kill-postgres", "kill-worker")
PLAN = Plan(seed=7, changes=120, kills=len(KINDS), workers=2, only=KINDS, limit=90.0)


@pytest.mark.stack
async def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    report = await Run(PLAN, tmp_path / "stack", tell=print).run()
    assert report.is_good, "\n".join(report.lines())
    assert report.changes >= PLAN.changes
    assert [kill.kind for kill in report.kills if kill.what != "missed"] == list(KINDS)
