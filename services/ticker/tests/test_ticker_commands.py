"""By hand, and at start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.waiting import LONG
from recordsync.testing.memory import FakePublisher
from synckit.errors import RemoteUnavailable
from synckit.events import Origin
from synckit.service.settings_doc import table
from synckit.testing.clock import FakeClock
from ticker.commands import chosen_of, parser, prune, run_once
from ticker.handlers import Emitter, Found
from ticker.settings import Settings

README = Path(__file__).parents[1] / "README.md"


class Look:
    origin = Origin.TICKER

    def __init__(self, name: str, *ids: str, fails: bool = False, entity: str = "beteiligte") -> None:
        self.entity = entity
        self.name = name
        self.ids = ids
        self.fails = fails

    async def find(self) -> Found:
        if self.fails:
            raise RemoteUnavailable("advoware", "503")
        return Found(self.ids, len(self.ids))


async def test_it_reports_each_look_and_fails_where_one_did(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = FakePublisher()
    looks = [Look("desk", fails=True), Look("modified", "a", "b")]
    status = await run_once(looks, Emitter(publisher, FakeClock()), dry_run=False, as_json=True)
    out = capsys.readouterr().out
    told = json.loads(out[out.index("{") :])
    assert (status, len(publisher.sent)) == (3, 2)
    assert told == {
        "dry_run": False,
        "looks": [{"look": "modified", "seen": 2, "emitted": 2, "capped": False, "entity": "beteiligte"}],
        "failed": {"beteiligte.desk": "advoware: 503"},
    }


async def test_a_dry_run_says_what_it_would(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = FakePublisher()
    status = await run_once([Look("parked", "a")], Emitter(publisher, FakeClock()), dry_run=True, as_json=False)
    assert (status, publisher.sent) == (0, [])
    assert "1 would emit" in capsys.readouterr().out


async def test_all_are_the_looks_of_every_noun_and_the_report_says_whose(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = FakePublisher()
    ours = [Look("modified", "a"), Look("modified", "b", entity="adressen"), Look("parked", entity="bankverbindungen")]
    assert chosen_of(ours, "adressen") == ours[1:2]
    chosen = chosen_of(ours, parser().parse_args(["run-once", "all"]).entity)
    assert await run_once(chosen, Emitter(publisher, FakeClock()), dry_run=False, as_json=False) == 0
    assert [topic for topic, _ in publisher.sent] == ["vmh.beteiligte", "vmh.adressen"]
    out = capsys.readouterr().out
    assert all(name in out for name in ("beteiligte.modified", "adressen.modified", "bankverbindungen.parked"))


def test_a_day_that_is_none_is_refused_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["run-once", "all", "--since", "gestern"])
    assert caught.value.code == 2
    assert "--since: a day like 2026-01-31 is wanted" in capsys.readouterr().err
    assert parser().parse_args(["run-once", "all", "--since", "2026-01-31"]).since.isoformat().startswith("2026-01-31")


class Cellar:
    """A duty that would remove, or removes, two rows."""

    name = "retention"

    def __init__(self) -> None:
        self.removed = 0

    async def carry_out(self, *, dry_run: bool = False) -> Mapping[str, int]:
        self.removed += 0 if dry_run else 2
        return {"journal": 2, "guard": 0}


async def test_prune_says_what_goes_and_a_dry_run_what_would(capsys: pytest.CaptureFixture[str]) -> None:
    cellar = Cellar()
    assert await prune(cellar, dry_run=True, as_json=False) == 0
    assert ("2 rows would go" in capsys.readouterr().out, cellar.removed) == (True, 0)
    assert await prune(cellar, dry_run=False, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"dry_run": False, "rows": {"journal": 2, "guard": 0}}
    assert cellar.removed == 2
    assert parser().parse_args(["prune", "--dry-run"]).dry_run is True


def test_without_a_command_it_is_the_service() -> None:
    assert parser().parse_args([]).command is None
    chosen = parser().parse_args(["run-once", "beteiligte", "--dry-run"])
    assert (chosen.command, chosen.dry_run, chosen.json) == ("run-once", True, False)


def test_a_missing_environment_is_one_line_a_variable_and_status_two() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ticker"], env={}, capture_output=True, text=True, timeout=LONG, check=False
    )
    assert done.returncode == 2
    assert "DATABASE_URL: missing." in done.stderr
    assert all(": missing. Expected: " in line for line in done.stderr.splitlines())


def test_the_readme_has_the_table_of_the_settings() -> None:
    assert table(Settings) in README.read_text()
