"""The benchmarks run and say what they found. Three here; `python -m benchmarks --quick` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.grounds import Grounds
from benchmarks.report import document, read
from benchmarks.report_card import Card, Goal
from benchmarks.suite import SUITE

QUICK = ("reconcile", "cost_per_event", "calendar")


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_run_fills_its_card(name: str, tmp_path: Path) -> None:
    line = next(each for each in SUITE if each.name == name)
    card = Card(line.name, line.title, quick=True)
    with Grounds(tmp_path / "grounds") as grounds:
        line.run(grounds, card)
    assert card.tables
    assert card.goals
    assert all(goal.measured == goal.measured for goal in card.goals)


def test_a_goal_says_whether_it_is_met_and_by_how_much_not() -> None:
    assert Goal("rate", 20.0, 10.0).line().endswith("met")
    assert Goal("rate", 8.0, 10.0).line().endswith("missed by 20%")
    assert Goal("time", 12.0, 10.0, " ms", at_most=True).line() == "time: 12.0 ms (goal ≤ 10.0 ms): missed by 20%"


def test_the_results_page_shows_every_goal_and_table_of_a_card(tmp_path: Path) -> None:
    card = Card("reconcile", "Reconcile")
    card.table("Plans", ["case", "plans/s"], [["nothing", 1234.0]])
    card.goals.append(Goal("plans/s", 1234.0, 2000.0))
    saved = card.save(tmp_path)
    page = "\n".join(document(read(saved.parent)))
    assert "| nothing | 1,234 |" in page
    assert "**missed by 38%**" in page
