"""The service as a process: real Kafka, PostgreSQL and Redis, the sandbox EspoCRM, and a stand-in of xAI."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from xai_stand_in import API_KEY as XAI_KEY
from xai_stand_in import MANAGEMENT_KEY, XaiStandIn

from deploy.local.backends import LazyBackends
from deploy.local.waiting import LONG, until
from document_sync.adapters.calls import KafkaCalls
from document_sync.domain.values import RecordKey
from kanzlei.espocrm.client import EspoAuth, EspoClient
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.clock import SystemClock
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.testing.patience import PATIENT

pytestmark = pytest.mark.stack
SECRET = "Zwiebelfisch"


class Office:
    """EspoCRM, xAI and the broker, as people and the ingress use them."""

    def __init__(self, client: EspoClient, xai: XaiStandIn, calls: KafkaCalls, environment: Mapping[str, str]) -> None:
        self.client, self.stand_in, self.calls = client, xai, calls
        self.xai = xai.xai
        self.environment = environment

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Its exit status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "document_sync",
            *arguments,
            env={"LOG_FORMAT": "json", **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), LONG)
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def made(self, kind: str, **values: Any) -> str:
        told = await self.client.call("POST", f"/{kind}", body=values, headers={"X-Skip-Duplicate-Check": "true"})
        return str(told["id"])

    async def paper(self, content: str) -> str:
        encoded = base64.b64encode(content.encode()).decode()
        attachment = await self.made(
            "Attachment",
            name="Klage.txt",
            type="text/plain",
            role="Attachment",
            relatedType="CDokumente",
            field="file",
            file=f"data:text/plain;base64,{encoded}",
        )
        return await self.made("CDokumente", name=f"{SECRET}.txt", fileId=attachment)

    async def link(self, document: str, key: RecordKey) -> None:
        await self.client.call("POST", f"/{key.type}/{key.id}/dokumentes", body={"id": document})
        await self.calls.documents([document])

    async def switch(self, key: RecordKey, value: bool) -> None:
        await self.client.call("PUT", f"/{key.type}/{key.id}", body={"xaiSyncActive": value})
        await self.calls.records([key])

    async def state(self, document: str, wanted: str) -> Mapping[str, Any]:
        async def probe() -> Mapping[str, Any] | None:
            told: Mapping[str, Any] = await self.client.call("GET", f"/CDokumente/{document}")
            return told if told.get("xaiSyncStatus") == wanted else None

        return await until(probe, f"{document} {wanted}")

    def found(self, word: str) -> set[str]:
        """Names of the collections in which a search finds it."""
        return {one.name for one in self.xai.sammlungen.values() if self.xai.search(one.id, word)}


@pytest.fixture
def environment(backends: LazyBackends) -> Mapping[str, str]:
    """Topics and schema there, as operators make them. Each test has an xAI of its own, and so a memory of its own."""
    url = backends.create_database(f"documents_{uuid.uuid4().hex[:8]}")
    told = {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": backends.kafka_bootstrap,
        "DATABASE_URL": url,
        "REDIS_URL": backends.redis_url,
    }
    for command in ("synckit.kafka", "synckit.postgres.migrate"):
        done = subprocess.run(
            [sys.executable, "-m", command, "apply"], env=told, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return told


@asynccontextmanager
async def running(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Ends with 0 when it is asked to; its log names no document."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "document_sync", env={"LOG_FORMAT": "json", **environment}, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = await asyncio.wait_for(process.communicate(), LONG)
        assert process.returncode == 0, said.decode()
        assert SECRET not in said.decode()


@pytest.fixture
async def office(environment: Mapping[str, str]) -> AsyncIterator[Office]:
    stand_in = XaiStandIn()
    publisher = KafkaPublisher(KafkaAccess(environment["KAFKA_BOOTSTRAP_SERVERS"]), client_id="test")
    await publisher.start()
    async with TestServer(build_espocrm(Settings())) as espocrm, TestServer(stand_in.app()) as xai:
        client = EspoClient(str(espocrm.make_url("")), EspoAuth(API_KEY), PATIENT)
        chosen = {
            "ESPOCRM_BASE_URL": str(espocrm.make_url("")),
            "ESPOCRM_API_KEY": API_KEY,
            "XAI_WRITES": "on",
            "XAI_API_BASE_URL": str(xai.make_url("")),
            "XAI_API_KEY": XAI_KEY,
            "XAI_MANAGEMENT_BASE_URL": str(xai.make_url("")),
            "XAI_MANAGEMENT_KEY": MANAGEMENT_KEY,
            "DOCUMENT_SYNC_PORT": "0",
            "DOCUMENT_SYNC_DUE_SECONDS": "0.5",
        }
        async with running({**environment, **chosen}):
            yield Office(client, stand_in, KafkaCalls(publisher, SystemClock()), {**environment, **chosen})
        await client.close()
    await publisher.stop()


async def test_a_matter_is_switched_on_and_off(office: Office) -> None:
    """Found in its own collection and in no other, one file though xAI's answer was lost, and gone at the end."""
    mine, other = [RecordKey("CVmhRumungsklage", await office.made("CVmhRumungsklage", name="K")) for _ in range(2)]
    document = await office.paper(f"{SECRET} {datetime.now(UTC).isoformat()}")
    for key in (mine, other):
        await office.switch(key, True)
    await office.link(document, mine)
    told = await office.state(document, "clean")
    assert office.found(SECRET) == {f"CVmhRumungsklage-{mine.id}"}
    assert told["xaiCollections"] == [one.id for one in office.xai.sammlungen.values() if one.name.endswith(mine.id)]
    (file,) = office.xai.all.values()
    assert file.name.startswith(f"{told['sha256'][:16]}-")
    await office.switch(mine, False)
    await office.state(document, "no_sync")
    assert (office.found(SECRET), office.xai.all) == (set(), {})
    record = await office.client.call("GET", f"/CVmhRumungsklage/{mine.id}")
    assert not record["xaiCollectionId"]


async def test_commands_list_and_take_back(office: Office) -> None:
    """`transfers` as a table, JSON and CSV; `audit` finds nothing; `withdraw` ends it, and the list says when."""
    key = RecordKey("CVmhRumungsklage", await office.made("CVmhRumungsklage", name="K"))
    await office.switch(key, True)
    document = await office.paper(f"{SECRET} {uuid.uuid4()}")
    await office.link(document, key)
    await office.state(document, "clean")
    status, said = await office.command("audit", "--json")
    assert (status, json.loads(said)["findings"]) == (0, []), said
    status, said = await office.command("transfers", "--record", str(key), "--json")
    (told,) = json.loads(said)["transfers"]
    assert (status, told["document"], told["record"], told["taken_back"]) == (0, document, str(key), None)
    assert told["bytes"] > len(SECRET)
    status, said = await office.command("withdraw", key.type, key.id)
    assert status == 0, said
    assert "alles zurückgenommen" in said
    assert (office.xai.all, office.found(SECRET)) == ({}, set())
    record = await office.client.call("GET", f"/{key.type}/{key.id}")
    assert record["xaiSyncActive"] is False
    status, said = await office.command("transfers", "--record", key.id, "--since", "2020-01-01", "--csv")
    head, line = said.splitlines()
    assert head == "at,document,record,bytes,sha256,collection_id,event,taken_back"
    assert line.split(",")[1] == document
    assert line.split(",")[-1].startswith("20")
    status, said = await office.command("transfers", "--record", key.id)
    assert (status, document in said, SECRET in said) == (0, True, False), said
    status, said = await office.command("withdraw", key.type, "0" * 17)
    assert status == 1, said
    status, said = await office.command("transfers", "--since", "gestern")
    assert status == 2, said


async def test_a_lost_answer_sends_nothing_twice(office: Office) -> None:
    """500 after xAI has stored the file: one file. Planted words, of name and content, are in no row of the tables."""
    key = RecordKey("CVmhRumungsklage", await office.made("CVmhRumungsklage", name="K"))
    office.stand_in.answers_500_after_upload = 1
    await office.switch(key, True)
    document = await office.paper(SECRET)
    await office.link(document, key)
    await office.state(document, "clean")
    assert len(office.xai.uploads) == len(office.xai.all) == 1
    patient = PoolLimits(connect=60, acquire=60, statement=60)
    pool = PostgresPool(office.environment["DATABASE_URL"], limits=patient)
    found = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'document_sync' ORDER BY 1")
    tables = [row["tablename"] for row in found]
    assert len(tables) > 5
    for table in tables:
        rows = await pool.fetch(f"SELECT t::text AS told FROM document_sync.{table} t")  # noqa: S608 -- names of ours
        assert not [row["told"] for row in rows if SECRET in row["told"]], table
    await pool.close()
