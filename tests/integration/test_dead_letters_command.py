"""`python -m kanzlei.deadletters` on a real broker and database: listed, sent again, dropped, each once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.backends import LazyBackends
from kanzlei.nouns import ESPOCRM
from synckit.events import Action, ChangeEvent, Record, encode
from synckit.kafka.__main__ import main as topics_command
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.kafka.scan import Bounds, TopicScanner
from synckit.testing.clock import FakeClock
from synckit.worker.dead_letters import DeadLetters
from synckit.worker.delivery import Delivery

pytestmark = pytest.mark.stack
TOPIC = "vmh.adressen"
ROOT = Path(__file__).resolve().parents[2]


def call(backends: LazyBackends, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": backends.kafka_bootstrap, "DATABASE_URL": database}
    command = [sys.executable, "-m", "kanzlei.deadletters", *arguments]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=ROOT
    )


def listed(backends: LazyBackends, database: str, *arguments: str) -> list[dict[str, object]]:
    done = call(backends, database, "ls", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


async def bury(backends: LazyBackends, keys: Sequence[str], reason: str) -> None:
    """As a worker does it."""
    publisher = KafkaPublisher(KafkaAccess(backends.kafka_bootstrap), client_id="test")
    await publisher.start()
    letters = DeadLetters(publisher, service="beteiligte-sync", clock=FakeClock(datetime.now(UTC)))
    for offset, key in enumerate(keys):
        record = encode(ChangeEvent("adressen", key, Action.UPDATE, ESPOCRM, datetime.now(UTC)))
        await letters.bury(_delivery(record, offset), reason, "frames only", "")
    await publisher.stop()


def _delivery(record: Record, offset: int) -> Delivery:
    return Delivery(TOPIC, 0, offset, 1, 0.0, record.key, record.value, record.headers, ack=lambda: None)


async def sent_since(backends: LazyBackends, began: datetime, keys: set[str]) -> list[str]:
    scanner = TopicScanner(KafkaAccess(backends.kafka_bootstrap), client_id="test")
    scanned = await scanner.scan([TOPIC], Bounds(since=began - timedelta(seconds=5)))
    return [one.record.key.decode() for one in scanned.found if one.record.key.decode() in keys]


@pytest.fixture
def topics(backends: LazyBackends) -> None:
    """Every topic as declared. No coroutine: the command has a loop of its own."""
    assert topics_command(["apply", "--bootstrap", backends.kafka_bootstrap, "--json"]) == 0


@pytest.mark.usefixtures("topics")
async def test_letters_are_listed_sent_and_dropped_once(backends: LazyBackends, migrated_database: str) -> None:
    began, reason = datetime.now(UTC), f"r{uuid.uuid4().hex[:8]}"
    keys = [f"{reason}-{n % 5}" for n in range(30)]
    await bury(backends, keys, reason)
    mine = ("--reason", reason)

    assert len(listed(backends, migrated_database, *mine)) == 30
    tried = call(backends, migrated_database, "redrive", *mine, "--dry-run")
    assert (tried.returncode, await sent_since(backends, began, set(keys))) == (0, []), tried.stderr
    unasked = call(backends, migrated_database, "redrive", *mine)
    assert unasked.returncode == 2, unasked.stderr
    wrong = call(backends, migrated_database, "redrive", *mine, "--yes", "--expect", "29")
    assert (wrong.returncode, await sent_since(backends, began, set(keys))) == (4, []), wrong.stderr

    first = str(listed(backends, migrated_database, *mine)[0]["letter"])
    dropped = call(backends, migrated_database, "drop", first, "--yes", "--expect", "1")
    assert dropped.returncode == 0, dropped.stderr
    done = call(backends, migrated_database, "redrive", *mine, "--yes", "--expect", "29")
    assert done.returncode == 0, done.stderr
    sent = await sent_since(backends, began, set(keys))
    assert {key: sent.count(key) for key in set(keys)} == {key: keys[1:].count(key) for key in set(keys)}
    assert listed(backends, migrated_database, *mine) == []

    again = call(backends, migrated_database, "redrive", *mine, "--yes", "--expect", "0")
    assert again.returncode == 1, again.stderr
    states = {row["state"] for row in listed(backends, migrated_database, *mine, "--all")}
    assert states == {"settled"}
    shown = call(backends, migrated_database, "show", first)
    assert (shown.returncode, "verworfen" in shown.stdout) == (0, True), shown.stderr


def test_servers_that_are_away_are_three() -> None:
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:9/none",
    }
    command = [sys.executable, "-m", "kanzlei.deadletters", "ls"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 3, done.stderr
    assert "secret" not in done.stderr + done.stdout
