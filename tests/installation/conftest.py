"""A bare EspoCRM in the sandbox, and one into which everything was installed by the command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kanzlei.espocrm.__main__ import main
from kanzlei.espocrm.api import Api, admin_login
from sandbox.espocrm.app import build
from sandbox.espocrm.settings import ADMIN_PASSWORD, ADMIN_USER_NAME, Settings

INGRESS = "http://sync.kanzlei.example:8080"


@dataclass(slots=True)
class Crm:
    """One sandbox, and how a person drives it."""

    client: TestClient[Any, Any]
    folder: Path

    @property
    def url(self) -> str:
        return str(self.client.make_url("")).rstrip("/")

    @property
    def env_file(self) -> Path:
        return self.folder / "kanzlei.env"

    def keys(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.env_file.read_text().splitlines())

    async def command(self, *arguments: str) -> int:
        """The command in a thread: it has a loop of its own."""
        return await asyncio.to_thread(main, list(arguments))

    async def install(self, *more: str) -> int:
        login = ("--url", self.url, "--admin", ADMIN_USER_NAME, "--password-stdin")
        return await self.command("install", *login, "--env-file", str(self.env_file), *more)

    async def as_admin(self, method: str, path: str, body: object = None) -> Any:
        api = Api(self.url, admin_login(ADMIN_USER_NAME, ADMIN_PASSWORD))
        try:
            return await api.call(method, path, body=body)
        finally:
            await api.close()

    async def first(self, entity_type: str, attribute: str, value: str) -> dict[str, Any]:
        api = Api(self.url, admin_login(ADMIN_USER_NAME, ADMIN_PASSWORD))
        try:
            found = await api.first(entity_type, attribute, value)
        finally:
            await api.close()
        assert found is not None
        return dict(found)

    async def control(self, path: str, body: object) -> None:
        answer = await self.client.post(f"/_sandbox/{path}", json=body)
        assert answer.status < 300, await answer.text()


@pytest.fixture
async def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crm]:
    """As EspoCRM comes; whoever is asked for a password types the administrator's."""

    class Typed:
        def readline(self) -> str:
            return f"{ADMIN_PASSWORD}\n"

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Typed())
    async with TestClient(TestServer(build(Settings(profile="bare")))) as client:
        yield Crm(client, tmp_path)


@pytest.fixture
async def installed(bare: Crm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Crm:
    """Installed, with all webhooks, and the API user's key in the environment."""
    secrets = ("--ingress-url", INGRESS, "--secrets-file", str(bare.folder / "webhook-secrets.json"))
    assert await bare.install("--yes", *secrets) == 0, capsys.readouterr()
    for name, value in bare.keys().items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    return bare
