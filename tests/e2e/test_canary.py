"""Client data stays in the two remotes: after a demo the planted names and birth dates are found nowhere else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis import Redis

from demo.__main__ import STEPS
from demo.people import OLD_IBAN, PERSON, PHONE, TYPED_PHONE, canaries
from demo.remotes import Advoware
from demo.steps_documents import PLANTED as PLANTED_IN_PAPERS
from demo.wait import until
from deploy.local.addresses import Addresses, read_addresses
from deploy.local.guardian import Guardian
from deploy.local.supervisor import Supervisor
from deploy.local.table import ROOT
from kanzlei import topics
from sandbox.advoware.credentials import DEFAULT as ADVOWARE
from sandbox.xai.access import API_KEY as XAI_API_KEY
from sandbox.xai.access import MANAGEMENT_KEY as XAI_MANAGEMENT_KEY
from synckit.events import Record, encode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.testing.worker import change
from tests.e2e import places
from tests.e2e import through_the_proxy as proxy
from tests.e2e.buggy_program import CONTROL, PLANTED

HOLDING_CLIENT_DATA = {"base", "intent", "pending_note", "attempted", "proxy_idempotency"}
"""The tables that say so in the migration that creates them."""
CONTROL_LETTER = "Kontrollfisch-8"
READERS = ("beteiligte-sync", "document-sync")
"""Groups that read the topic of Beteiligte: each has its own say on what it can't read."""
TOKEN_KEY = "advoware:token"
LONG_ENOUGH = 12
"""A secret; ids of webhooks are no secret, and stand beside them."""
DEMO_LIMIT = 1500


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
@pytest.mark.timeout(DEMO_LIMIT + 600)
async def test_after_a_demo_no_planted_value_and_no_secret_is_anywhere_but_where_it_belongs(demo: Demo) -> None:
    here = demo.addresses
    called = await proxy.call(here, await a_party(here))
    assert called.statuses == [200, 201, 201, 403, 400, 401]
    await plant_controls(here, demo.folder / "log")
    await completed(here)
    in_topics = await with_the_dead_letter(here)
    assert_all_run(demo)

    shown = await places.tables(here.database_url)
    kinds = {
        "topics": in_topics,
        "logs": places.logs(demo.folder / "log"),
        "metrics": places.metrics(here.services),
        "redis": places.redis_keys(here.redis_url),
        "tables": {name: rows for name, rows in shown.items() if name not in HOLDING_CLIENT_DATA},
    }
    looked_for = [*canaries(), *notations(), *PLANTED_IN_PAPERS]
    assert {kind: places.found(texts, looked_for) for kind, texts in kinds.items()} == {kind: [] for kind in kinds}
    token = kinds["redis"][f"redis {TOKEN_KEY}"]
    secrets = [*secrets_of(demo, called), access_token(token)]
    assert places.found(kinds["redis"], secrets) == [(f"redis {TOKEN_KEY}", access_token(token))], "there it belongs"
    kinds["redis"] = {place: text for place, text in kinds["redis"].items() if text != token}
    assert {kind: places.found(texts, secrets) for kind, texts in kinds.items()} == {kind: [] for kind in kinds}

    assert len(demo.steps) == len(STEPS)
    assert set(kinds["metrics"]) == {f"metrics of {name}" for name in here.services}
    assert set(here.services) < {Path(name).stem for name in kinds["logs"]}
    assert_the_search_can_see(kinds)
    held = [("base", PERSON.last), ("base", OLD_IBAN), ("base", TYPED_PHONE), ("proxy_idempotency", TYPED_PHONE)]
    seen = places.found(shown, [PERSON.last, OLD_IBAN, TYPED_PHONE])
    assert set(held) <= set(seen), "these tables hold it, and are searched"
    key_id = called.key.partition(".")[0]
    assert places.found({"audit": shown["proxy_audit"]}, [key_id, *proxy.PATTERNS]) == [
        ("audit", word) for word in (key_id, *proxy.PATTERNS)
    ]
    assert ("journal", "00-") in places.found(shown, ["00-"]), "traces are ids in the journal and in headers"


def assert_all_run(demo: Demo) -> None:
    """With the last words of the service that has ended."""
    supervisor = Supervisor(demo.folder)
    for name in demo.addresses.services:
        assert supervisor.is_alive(name), f"{name} has ended; its log ends with\n{supervisor.log_tail(name)}"


async def a_party(here: Addresses) -> int:
    async with aiohttp.ClientSession() as session:
        return (await Advoware(session, here.advoware_url).named(PERSON.last))[0]


async def completed(here: Addresses) -> None:
    """The proxy's audit lines are written behind its answers."""

    async def done() -> bool | None:
        lines = (await places.tables(here.database_url))["proxy_audit"]
        return True if "unauthenticated" in lines and "answered" in lines else None

    await until(done, "the audit lines of the calls through the proxy")


def notations() -> Iterator[str]:
    """As people and programs write account and phone numbers, too."""
    yield " ".join(OLD_IBAN[start : start + 4] for start in range(0, len(OLD_IBAN), 4))
    yield from (re.sub(r"\D", "", TYPED_PHONE), re.sub(r"\D", "", PHONE), proxy.REQUEST_KEY)


def secrets_of(demo: Demo, called: proxy.Called) -> list[str]:
    """Everything that lets somebody in."""
    webhooks = json.loads((demo.folder / "webhook-secrets.json").read_text())
    told = [each for each in _texts(webhooks) if len(each) >= LONG_ENOUGH]
    assert told
    unknown = proxy.UNKNOWN_SECRET.partition(".")[2]
    ours = [called.key.partition(".")[2], unknown]
    return [*told, *ours, ADVOWARE.password, ADVOWARE.api_key, XAI_API_KEY, XAI_MANAGEMENT_KEY]


def _texts(told: Any) -> Iterator[str]:
    """All values, not the names."""
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from _texts(each)
    else:
        yield str(told)


def access_token(shown: str) -> str:
    """What Redis holds of Advoware's token."""
    words: list[str] = re.findall(r"[A-Za-z0-9_-]+", shown.removeprefix(TOKEN_KEY))
    return max(words, key=len)


async def plant_controls(here: Addresses, logs: Path) -> None:
    """A record of a known id, one that is no event, and a key: what the search must find."""
    publisher = KafkaPublisher(KafkaAccess(here.kafka), client_id="canary")
    await publisher.start()
    good = encode(change(CONTROL, event_id="control"))
    letter = Record(b"control", CONTROL_LETTER.encode(), good.headers)
    await publisher.publish(topics.BETEILIGTE, [good, letter])
    await publisher.stop()
    with Redis.from_url(here.redis_url) as client:
        client.set("control", CONTROL)

    async def logged() -> bool | None:
        return True if places.found(places.logs(logs), [CONTROL]) else None

    await until(logged, "the control is in a worker's log")


async def with_the_dead_letter(here: Addresses) -> places.Places:
    """The topics, once they hold the control letter as it came, and as a dead letter of whoever reads that topic."""

    async def buried() -> places.Places | None:
        shown = await places.topics(here.kafka)
        return shown if shown["topics"].count(CONTROL_LETTER) > len(READERS) else None

    return await until(buried, "the control letter is among the dead letters")


def assert_the_search_can_see(kinds: dict[str, places.Places]) -> None:
    assert places.found(kinds["topics"], [CONTROL, CONTROL_LETTER, "dlq_traceback", "ce_subject"]) == [
        ("topics", CONTROL),
        ("topics", CONTROL_LETTER),
        ("topics", "dlq_traceback"),
        ("topics", "ce_subject"),
    ]
    assert kinds["topics"]["topics"].count(CONTROL_LETTER) == 1 + len(READERS), "as it came, and one of each reader"
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
    assert places.found(texts, PLANTED) == []
    told = ("ValueError", "KeyError", CONTROL)
    assert places.found(texts, told) == [(place, each) for place in ("log", "dead letter") for each in told], (
        "the kinds of the errors are told, and whose record it was"
    )
    assert places.found(texts, ["while syncing"]) == [("log", "while syncing")], "a library's words, not its values"
    assert 'sync_dead_letters_total{reason="bug",topic="vmh.beteiligte"} 1.0' in texts["metrics"]
