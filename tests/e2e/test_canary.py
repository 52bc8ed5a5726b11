"""Client data stays in the two remotes: after a demo the planted names and birth dates are found nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from demo.__main__ import STEPS
from demo.people import PERSON, canaries
from demo.wait import until
from deploy.local.addresses import Addresses, read_addresses
from deploy.local.guardian import Guardian
from deploy.local.table import ROOT
from synckit import topics
from synckit.adapters.kafka import KafkaPublisher
from synckit.events import Record, encode
from synckit.testing.worker import change
from tests.e2e import places
from tests.e2e.buggy_program import CONTROL

HOLDING_CLIENT_DATA = {"base", "intent", "pending_note", "attempted"}
"""The tables that say so in the migration that creates them."""
CONTROL_LETTER = "Kontrollfisch-8"
DEMO_LIMIT = 240


@dataclass(frozen=True)
class Demo:
    """A demo that was played and still runs."""

    folder: Path
    addresses: Addresses
    steps: list[dict[str, Any]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("canary") / "demo"
    folder.mkdir()
    guardian = Guardian(folder, remove=True)
    try:
        words = ("--keep", "--workers", "2", "--state-dir", str(folder))
        played = subprocess.run(
            [sys.executable, "-m", "demo", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEMO_LIMIT,
        )
        assert played.returncode == 0, played.stdout + played.stderr
        steps = json.loads(folder.with_suffix(".json").read_text())
        yield Demo(folder, read_addresses(folder / "stack.json"), steps)
    finally:
        guardian.close()


@pytest.mark.stack
@pytest.mark.timeout(DEMO_LIMIT + 60)
async def test_after_a_demo_no_planted_name_or_birth_date_is_anywhere_but_in_the_remotes(demo: Demo) -> None:
    here = demo.addresses
    await plant_controls(here, demo.folder / "log")

    shown = await places.tables(here.database_url)
    kinds = {
        "topics": await places.topics(here.kafka),
        "logs": places.logs(demo.folder / "log"),
        "metrics": places.metrics(here.services),
        "redis": places.redis_keys(here.redis_url),
        "tables": {name: rows for name, rows in shown.items() if name not in HOLDING_CLIENT_DATA},
    }
    looked_for = list(canaries())
    assert {kind: places.found(texts, looked_for) for kind, texts in kinds.items()} == {kind: [] for kind in kinds}

    assert len(demo.steps) == len(STEPS)
    assert set(kinds["metrics"]) == {f"metrics of {name}" for name in here.services}
    assert set(here.services) < {Path(name).stem for name in kinds["logs"]}
    assert_the_search_can_see(kinds)
    assert ("base", PERSON.last) in places.found(shown, [PERSON.last]), "the base holds it: the tables are searched"


async def plant_controls(here: Addresses, logs: Path) -> None:
    """A record of a known id, one that is no event, and a key: what the search must find."""
    publisher = KafkaPublisher(here.kafka, client_id="canary")
    await publisher.start()
    good = encode(change(CONTROL, event_id="control"))
    letter = Record(b"control", CONTROL_LETTER.encode(), good.headers)
    await publisher.publish(topics.BETEILIGTE, [good, letter])
    await publisher.stop()
    with Redis.from_url(here.redis_url) as client:
        client.set("control", CONTROL)

    async def logged() -> bool | None:
        handled = places.found(places.logs(logs), [CONTROL])
        return True if handled and "dead_letter" in str(places.logs(logs)) else None

    await until(logged, "the control is in a worker's log, and so is its dead letter")


def assert_the_search_can_see(kinds: dict[str, places.Places]) -> None:
    assert places.found(kinds["topics"], [CONTROL, CONTROL_LETTER, "dlq_traceback", "ce_subject"]) == [
        ("topics", CONTROL),
        ("topics", CONTROL_LETTER),
        ("topics", "dlq_traceback"),
        ("topics", "ce_subject"),
    ]
    assert kinds["topics"]["topics"].count(CONTROL_LETTER) == 2, "as it came, and as a dead letter"
    assert places.found(kinds["logs"], [CONTROL])
    assert places.found(kinds["redis"], [CONTROL]) == [("redis control", CONTROL)]
    assert ("guard", CONTROL) in places.found(kinds["tables"], [CONTROL])
    assert ("metrics of beteiligte-sync", "sync_events_handled_total") in places.found(
        kinds["metrics"], ["sync_events_handled_total"]
    )


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_bug_that_has_client_data_in_its_exception_tells_none_of_it(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.buggy_program", style], cwd=ROOT, capture_output=True, text=True, check=True
    )
    texts = {"log": done.stdout, **json.loads(done.stderr)}
    assert places.found(texts, [PERSON.first, PERSON.last, PERSON.born]) == []
    told = ("ValueError", "KeyError", CONTROL)
    assert places.found(texts, told) == [(place, each) for place in ("log", "dead letter") for each in told], (
        "the kinds of the errors are told, and whose record it was"
    )
    assert places.found(texts, ["while syncing"]) == [("log", "while syncing")], "a library's words, not its values"
    assert 'sync_dead_letters_total{reason="bug",topic="vmh.beteiligte"} 1.0' in texts["metrics"]
