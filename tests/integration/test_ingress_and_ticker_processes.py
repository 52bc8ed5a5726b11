"""The ingress and the ticker as processes, against the real broker, database and Redis."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiokafka import AIOKafkaConsumer

from deploy.local.backends import LazyBackends
from deploy.local.waiting import LONG, in_time
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.events import ChangeEvent, decode

pytestmark = pytest.mark.stack
WEBHOOK, KEY = "6b00d1c895d766ce6", "3a603ad58d64b53896fda06c52821b55"
PATH = "/vmh/webhook/beteiligte/update"
NOWHERE = "127.0.0.1:1"


class Running:
    """A process of ours, the port that it told, and what it logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, event: str) -> dict[str, Any]:
        """The next log line of this event."""
        assert self.process.stdout is not None
        async with in_time(event, instead=lambda: str(self.lines)):
            while line := await self.process.stdout.readline():
                told: dict[str, Any] = json.loads(line)
                self.lines.append(told)
                if told["event"] == event:
                    return told
        raise AssertionError(f"ended before it said {event}: {self.lines}")

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        rest = await asyncio.wait_for(self.process.stdout.read(), LONG)
        self.lines += [json.loads(line) for line in rest.splitlines()]
        return await asyncio.wait_for(self.process.wait(), LONG)


@asynccontextmanager
async def running(module: str, environment: Mapping[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env={"LOG_FORMAT": "json", "PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    service = Running(process)
    try:
        service.port = (await service.until("listening"))["port"]
        yield service
    finally:
        await service.end()


@pytest.fixture(scope="module")
def bootstrap(backends: LazyBackends) -> str:
    servers = backends.kafka_bootstrap
    subprocess.run(
        [sys.executable, "-m", "synckit.kafka", "apply"],
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers},
        check=True,
        capture_output=True,
    )
    return servers


@asynccontextmanager
async def listening(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def heard(consumer: AIOKafkaConsumer, ids: set[str]) -> dict[str, ChangeEvent]:
    """Events of these records, as they arrive."""
    found: dict[str, ChangeEvent] = {}
    async with in_time():
        while set(found) != ids:
            record = await consumer.getone()
            event = decode(record.key, record.value, record.headers)
            if event.entity_id in ids:
                found[event.entity_id] = event
    return found


def signed(body: bytes) -> dict[str, str]:
    digest = hmac.digest(KEY.encode(), body, "sha256").hex()
    return {"Signature": b64encode(f"{WEBHOOK}:{digest}".encode()).decode()}


def ingress_environment(bootstrap: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "WEBHOOK_INGRESS_SECRETS": json.dumps({WEBHOOK: KEY}),
        "WEBHOOK_INGRESS_PORT": "0",
        "WEBHOOK_INGRESS_ANSWER_SECONDS": "2",
    }


async def test_a_webhook_is_in_the_topic_when_it_is_answered(bootstrap: str) -> None:
    one, other = uuid.uuid4().hex[:17], uuid.uuid4().hex[:17]
    body = json.dumps([{"id": one, "lastName": "Zwiebelfisch"}, {"id": other}]).encode()
    async with (
        listening(bootstrap, "vmh.beteiligte") as consumer,
        running("webhook_ingress", ingress_environment(bootstrap)) as ingress,
    ):
        await ingress.until("started")
        async with ClientSession(ingress.url) as session:
            assert (await session.get("/health/ready")).status == 200
            answer = await session.post(PATH, data=body, headers=signed(body))
            assert (answer.status, await answer.json()) == (200, {"accepted": 2, "records": 2})
            metrics = await (await session.get("/metrics")).text()
        events = await heard(consumer, {one, other})
        assert await ingress.end() == 0
    assert events[one].changed == ("lastName",)
    assert 'sync_webhooks_total{action="update",entity="beteiligte",outcome="accepted"} 1.0' in metrics
    assert "Zwiebelfisch" not in json.dumps(ingress.lines) + metrics


async def test_an_ingress_without_a_broker_waits_says_so_and_answers_503() -> None:
    body = b'{"id":"a"}'
    async with running("webhook_ingress", ingress_environment(NOWHERE)) as ingress:
        assert (await ingress.until("kafka.waiting"))["level"] == "warning"
        async with ClientSession(ingress.url) as session:
            assert (await session.get("/health/live")).status == 200
            ready = await session.get("/health/ready")
            assert (ready.status, await ready.json()) == (503, {"status": "not ready", "failing": ["starting"]})
            answer = await session.post(PATH, data=body, headers=signed(body))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert await ingress.end() == 0


async def test_a_broker_that_freezes_is_503_in_time_and_taken_up_again(backends: LazyBackends, bootstrap: str) -> None:
    body = b'{"id":"a"}'
    async with running("webhook_ingress", ingress_environment(bootstrap)) as ingress:
        await ingress.until("started")
        async with ClientSession(ingress.url) as session:
            assert (await session.post(PATH, data=body, headers=signed(body))).status == 200
            backends.freeze("kafka")
            try:
                async with in_time():
                    answer = await session.post(PATH, data=body, headers=signed(body))
                assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
            finally:
                backends.thaw("kafka")
            async with in_time():
                while (await session.post(PATH, data=body, headers=signed(body))).status != 200:
                    pass


@pytest.fixture
async def office(backends: LazyBackends, bootstrap: str, migrated_database: str) -> AsyncIterator[dict[str, str]]:
    """Both sandboxes, and the environment of a ticker between them."""
    async with TestServer(build_espocrm(Settings())) as espocrm, TestServer(build_advoware()) as advoware:
        base = str(advoware.make_url("")).rstrip("/")
        credentials = {f"ADVOWARE_{name.upper()}": value for name, value in vars(DEFAULT).items()}
        yield {
            **credentials,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": migrated_database,
            "REDIS_URL": backends.redis_url,
            "ESPOCRM_BASE_URL": str(espocrm.make_url("")).rstrip("/"),
            "ESPOCRM_API_KEY": API_KEY,
            "ADVOWARE_AUTH_URL": f"{base}/api/v1/Token",
            "ADVOWARE_API_BASE_URL": base,
            "TICKER_PORT": "0",
            "TICKER_SWEEP_SECONDS": "3607",
        }


async def create(office: Mapping[str, str]) -> str:
    headers = {"X-Api-Key": API_KEY}
    async with ClientSession(office["ESPOCRM_BASE_URL"], headers=headers) as session:
        answer = await session.post("/api/v1/CBeteiligte", json={"lastName": "Zwiebelfisch"})
        return str((await answer.json())["id"])


async def by_hand(office: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ticker", "run-once", "beteiligte", "--json", *arguments, env=office, stdout=-1, stderr=-1
    )
    out, err = await asyncio.wait_for(process.communicate(), LONG)
    assert (process.returncode, err) == (0, b"")
    told: dict[str, Any] = json.loads(out)
    return told


async def test_the_ticker_by_hand_finds_a_record_whose_webhook_was_lost(bootstrap: str, office: dict[str, str]) -> None:
    record_id = await create(office)
    async with listening(bootstrap, "vmh.beteiligte") as consumer:
        would = await by_hand(office, "--dry-run")
        done = await by_hand(office)
        events = await heard(consumer, {record_id})
    assert would["looks"] == done["looks"]
    assert {one["look"]: one["emitted"] for one in done["looks"]} == {
        "waiting_state": 1,
        "modified": 1,
        "not_looked_at": 0,
        "desk": 0,
        "rows": 0,
        "parked": 0,
    }
    assert events[record_id].type == "vmh.beteiligte.sync_check"


async def test_the_ticker_as_a_service_ticks_and_two_of_them_tick_once(bootstrap: str, office: dict[str, str]) -> None:
    record_id = await create(office)
    async with (
        listening(bootstrap, "vmh.beteiligte") as consumer,
        running("ticker", office) as first,
        running("ticker", office) as second,
    ):
        await first.until("started")
        await second.until("started")
        await heard(consumer, {record_id})
        async with ClientSession() as session:
            for ticker in (first, second):
                assert (await session.get(f"{ticker.url}/health/ready")).status == 200
        assert (await first.end(), await second.end()) == (0, 0)
    emitted = [line for ticker in (first, second) for line in ticker.lines if line["event"] == "emitted"]
    assert sorted(line["reason"] for line in emitted) == ["modified", "round", "waiting_state"]


async def test_a_ticker_without_its_tables_does_not_start(backends: LazyBackends, office: dict[str, str]) -> None:
    empty = backends.create_database(f"empty_{uuid.uuid4().hex[:8]}")
    async with running("ticker", {**office, "DATABASE_URL": empty}) as ticker:
        failed = await ticker.until("background_failed")
        assert "python -m synckit.postgres.migrate apply" in failed["exception"]
        assert await ticker.end() == 1
