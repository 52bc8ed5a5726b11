"""Settings, and explanations over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from document_world import KLAGE, World
from jsonschema import Draft202012Validator

from document_sync.domain.openapi import document
from document_sync.domain.problem import Refused
from document_sync.routes import ExplainRoutes, problems
from document_sync.settings import Settings
from synckit.errors import RemoteUnavailable
from synckit.service.settings import load

REQUIRED = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1/db",
    "REDIS_URL": "redis://127.0.0.1/0",
    "ESPOCRM_BASE_URL": "http://127.0.0.1",
    "ESPOCRM_API_KEY": "key",
    "XAI_API_KEY": "one",
    "XAI_MANAGEMENT_KEY": "another",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_is_not_set_sends_nothing(environment: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert settings.xai.writes == "dry"
    assert (settings.xai.max_file_bytes, settings.xai.keep_days) == (48 * 1024 * 1024, 30)
    assert settings.transfer.days == 3650
    assert sorted(settings.xai.record_types) == ["Account", "CBeteiligte", "CVmhRumungsklage"]
    assert settings.xai.record_types["Account"].switch == "cXaiSyncActive"
    assert "application/pdf" in settings.xai.allowed


def test_types_of_records_are_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("XAI_RECORDS", json.dumps({"CAkte": {"link": "aktes", "switch": "xaiAn"}}))
    environment.setenv("XAI_TYPES", "*")
    settings = load(Settings)
    assert list(settings.xai.record_types) == ["CAkte"]
    assert settings.xai.record_types["CAkte"].documents == "dokumentes"
    assert settings.xai.allowed == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [("XAI_WRITES", "yes"), ("XAI_RECORDS", "[]"), ("XAI_RECORDS", '{"C A": {"link": "x"}}'), ("XAI_KEEP_DAYS", "0")],
)
def test_wrong_settings_end_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit):
        load(Settings)
    assert name in capsys.readouterr().err


class OpenGate:
    """Lets one key in, or has trouble."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.paths: list[str] = []

    async def admit(self, credential: str | None, path: str) -> None:
        self.paths.append(path)
        if self.error:
            raise self.error
        if credential != "good":
            raise Refused("unauthenticated")


@pytest.fixture
async def stage() -> AsyncIterator[tuple[World, OpenGate, TestClient[Any, Any]]]:
    world, gate = World(), OpenGate()
    await world.switched(KLAGE, True)
    world.office.write_paper("d1", b"Raeumung")
    app = web.Application(middlewares=[problems])
    ExplainRoutes(gate, world.documents, world.records, frozenset({"CVmhRumungsklage"})).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield world, gate, client


Stage = tuple[World, OpenGate, TestClient[Any, Any]]


async def asked(client: TestClient[Any, Any], path: str, key: str = "good") -> tuple[int, Any]:
    answer = await client.get(path, headers={"Authorization": f"Bearer {key}"})
    told = await answer.json(content_type=None)
    schema = document()["components"]["schemas"]["Explained" if answer.status == 200 else "Problem"]
    Draft202012Validator(schema).validate(told)
    return answer.status, told


async def test_a_document_is_explained(stage: Stage) -> None:
    """By the function that decides: what the next look would do. Nothing is written, and no name is told."""
    world, _, client = stage
    world.office.join("d1", KLAGE)
    saves = world.memory.saves
    status, told = await asked(client, "/explain/dokumente/d1")
    assert (status, told["state"], told["steps"]) == (200, "no_sync", ["fetch"])
    assert world.memory.saves == saves
    await world.look("d1")
    await world.settle()
    status, told = await asked(client, "/explain/dokumente/d1")
    assert (told["state"], told["steps"]) == ("clean", [])
    assert told["memory"]["files"][0]["places"][0]["is_found"] is True
    assert "Schriftsatz" not in json.dumps(told)


async def test_a_collection_is_explained(stage: Stage) -> None:
    world, _, client = stage
    status, told = await asked(client, "/explain/raeumungsklagen/k1")
    assert (status, told["state"], told["steps"]) == (200, "live", [])
    world.office.matters[KLAGE].switch = False
    status, told = await asked(client, "/explain/raeumungsklagen/k1")
    assert told["steps"] == ["read_again"]


@pytest.mark.parametrize("path", ["/explain/dokumente/d9", "/explain/beteiligte/b1", "/explain/dokumente/a%20b"])
async def test_what_nobody_knows_is_404(stage: Stage, path: str) -> None:
    assert (await asked(stage[2], path))[0] == 404


async def test_refusals_are_problems(stage: Stage) -> None:
    _, gate, client = stage
    assert (await asked(client, "/explain/dokumente/d1", "bad"))[0] == 401
    assert (await asked(client, "/nowhere"))[0] == 404
    answer = await client.post("/explain/dokumente/d1")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    gate.error = RemoteUnavailable("redis", "away")
    answer = await client.get("/explain/dokumente/d1")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_the_description_is_served(stage: Stage) -> None:
    answer = await stage[2].get("/openapi.json")
    assert await answer.json() == document()
