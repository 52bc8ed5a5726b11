"""`make test` runs all tests, each in one of two halves, and fails where either does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.waiting import LONG
from tests.halves import NO_TESTS, WITH_SERVERS, WITHOUT, command_of, status_of

ROOT = Path(__file__).parents[2]


def test_the_halves_are_the_whole() -> None:
    """A test is marked or it is not."""
    assert f"not {WITH_SERVERS}" == WITHOUT
    assert command_of(WITHOUT, ("-x",))[-3:] == ["-x", "-m", WITHOUT]


@pytest.mark.parametrize(
    ("halves", "status"),
    [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((NO_TESTS, 0), 0), ((NO_TESTS, NO_TESTS), NO_TESTS), ((2, NO_TESTS), 2)],
)
def test_either_half_fails_the_run(halves: tuple[int, int], status: int) -> None:
    assert status_of(halves) == status


def test_both_halves_are_shown_and_count(tmp_path: Path) -> None:
    """Run for real, on two tests of which the unseen half's fails."""
    (tmp_path / "test_two.py").write_text(
        "import pytest\n\n@pytest.mark.stack\ndef test_served():\n    pass\n\n\ndef test_alone():\n    assert False\n",
        encoding="utf-8",
    )
    argv = [sys.executable, "-m", "tests.halves", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONG)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout, ran.stdout
    assert "FAILED" in ran.stdout, ran.stdout
    assert "test_alone" in ran.stdout, ran.stdout
