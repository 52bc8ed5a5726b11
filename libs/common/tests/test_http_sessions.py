"""The sessions of all our HTTP clients: made in one place, so that a further client can't lack a guard."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from synckit.errors import RemoteUnavailable
from synckit.http.client import HttpClient
from synckit.http.session import new_session
from synckit.testing.patience import PATIENT
from synckit.testing.scripted_http import Line, ScriptedServer

ROOT = Path(__file__).parents[3]
SHIPPED = [path for folder in ("libs", "services") for path in (ROOT / folder).glob("**/src/**/*.py")]
BUILDER = "synckit/http/session.py"
OPENERS = {"ClientSession", "TCPConnector", "open_connection", "create_connection"}
OTHER_CLIENTS = {"httpx", "requests", "urllib3", "urllib.request", "http.client", "httplib2", "google_auth_httplib2"}
GOOGLE = "calendar_sync/adapters/"
"""Google's own library speaks with Google, in threads; nothing else may."""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_any_session_sends_a_write_once(method: str) -> None:
    """A bare session is what a client that does not exist yet would begin with."""
    async with ScriptedServer(keeps_alive=True) as server, new_session(2) as session:
        server.otherwise = Line()
        async with session.get(server.url) as answer:
            await answer.read()
        server.says(trouble="reset")
        with pytest.raises(Exception, match="Disconnected"):
            await session.request(method, server.url)
        assert [asked.method for asked in server.asked] == ["GET", method]


async def test_a_write_of_the_client_is_sent_once() -> None:
    async with ScriptedServer(keeps_alive=True) as server:
        server.otherwise = Line(body=b"{}")
        client = HttpClient("remote", server.url, PATIENT)
        await client.send("GET", "/a")
        server.says(trouble="reset")
        with pytest.raises(RemoteUnavailable):
            await client.send("PUT", "/a", body={})
        await client.close()
        assert [asked.method for asked in server.asked] == ["GET", "PUT"]


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedServer() as server, ScriptedServer() as decoy:
        server.otherwise = Line(body=b"{}")
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, decoy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        client = HttpClient("remote", server.url, PATIENT)
        assert (await client.send("GET", "/a")).status == 200
        await client.close()
        assert decoy.asked == []


def test_sessions_are_opened_in_one_place() -> None:
    """A second HTTP client is a defect: it would lack the circuit, the quota, the one write."""
    opening = {str(path.relative_to(ROOT)).partition("/src/")[2] for path in SHIPPED if any(_openings(path))}
    assert {each for each in opening if not each.startswith(GOOGLE)} == {BUILDER}


@pytest.mark.parametrize(
    "line",
    [
        "aiohttp.ClientSession()",
        "import httpx",
        "from urllib.request import urlopen",
        "from urllib import request",
        "from http import client",
        "import aiohttp\naiohttp.request('GET', 'x')",
        "from aiohttp import request",
    ],
)
def test_a_second_client_is_seen(tmp_path: Path, line: str) -> None:
    (tmp_path / "second.py").write_text(line)
    assert any(_openings(tmp_path / "second.py"))


def _openings(path: Path) -> Iterator[int]:
    """Lines that open a session, or use another library that does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in OPENERS:
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "aiohttp.request":
            yield node.lineno
        if isinstance(node, ast.Import) and {each.name for each in node.names} & OTHER_CLIENTS:
            yield node.lineno
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{each.name}" for each in node.names} | {node.module}
            if names & {*OTHER_CLIENTS, "aiohttp.request"}:
                yield node.lineno
