"""The replay tool: clean over the recording and over parts of it, and not blind to what differs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from sandbox import replay
from sandbox.espocrm import values
from sandbox.espocrm.app import build
from sandbox.espocrm.settings import Settings
from sandbox.replay_compare import Ids
from sandbox.replay_recording import load
from sandbox.replay_wire import Wire
from sandbox.serve import MAX_LINE

FOLDER = Path(replay.__file__).parent / "recordings" / "espocrm"
RECORDING, ADMINISTRATION = FOLDER / "exchanges.jsonl", FOLDER / "admin.jsonl"
LINES = RECORDING.read_text(encoding="utf-8").splitlines()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    server = TestServer(build(Settings(dispatch_interval=3600.0)))
    await server.start_server(max_line_size=MAX_LINE)
    yield str(server.make_url("/"))
    await server.close()


async def replayed(url: str, lines: list[str], folder: Path) -> replay.Result:
    path = folder / "exchanges.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return await asyncio.to_thread(replay.replay, url, path)


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """The recording with the answer of one exchange changed."""
    found = []
    for line in LINES:
        exchange = json.loads(line)
        if exchange["name"] == name:
            change(exchange["response"])
        found.append(json.dumps(exchange))
    return found


def body(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    def in_response(response: dict[str, Any]) -> None:
        value = json.loads(response["body"])
        change(value)
        response["body"] = json.dumps(value)

    return in_response


@pytest.mark.parametrize(("path", "count"), [(RECORDING, 176), (ADMINISTRATION, 162)])
async def test_all_recorded_exchanges_are_answered_as_recorded(url: str, path: Path, count: int) -> None:
    result = await asyncio.to_thread(replay.replay, url, path)
    assert len(result.outcomes) == count
    assert replay.report(result, as_json=False).splitlines()[:-1] == []


def test_both_versions_are_recorded() -> None:
    found = {(path.name, each.version) for path in (RECORDING, ADMINISTRATION) for each in load(path)}
    assert len(found) == 4, found


def test_recordings_hold_the_sandboxes_own_credentials_only() -> None:
    known = {"sandbox-api-key", "sandbox-hmac-key", "sandbox-inactive-key", "sandbox-replayed-key", "0" * 32}
    sent = {each.headers["x-api-key"] for path in (RECORDING, ADMINISTRATION) for each in load(path)
            if "x-api-key" in each.headers}  # fmt: skip
    assert sent <= known
    assert '"apiKey\\":\\"<key>' in ADMINISTRATION.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("int_as_float", lambda response: response.update(status=400), "status"),
        ("enum_bad", lambda response: response["headers"].update({"x-status-reason": "Nope."}), "reason"),
        ("enum_bad", lambda response: response["headers"].update({"content-type": "text/html"}), "content type"),
        ("int_as_float", body(lambda record: record.update(betnr=13)), "betnr"),
        ("int_as_float", body(lambda record: record.pop("aktiv")), "aktiv"),
        ("varchar_array", body(lambda record: record.update(salutation=None)), "salutation"),
        ("list_where_equals", body(lambda answer: answer["list"].pop()), "list"),
        ("list_where_equals", body(lambda answer: answer["list"][0].update(betnr="203")), "list[0].betnr"),
        ("email_both_string_and_data_disagree", body(lambda record: record.update(emailAddress="s@x.de")), "emailAd"),
        ("mass_update", body(lambda answer: answer.update(count=3)), "count"),
        ("attachment_download", lambda response: response.update(body="other"), "body"),
        ("metadata_key", body(lambda field: field["options"].append("nope")), "options"),
    ],
)
async def test_a_recording_with_one_thing_changed_is_found_out(
    url: str, tmp_path: Path, name: str, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    result = await replayed(url, changed(name, change), tmp_path)
    differences = [text for outcome in result.differing if outcome.name == name for text in outcome.differences]
    assert any(text.startswith(told) for text in differences), replay.report(result, as_json=False)


async def test_a_sandbox_that_answers_wrongly_is_found_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(values.BY_TYPE, "int", values.unchanged)
    result = await replayed(url, LINES, tmp_path)
    assert {"int_as_float", "int_as_text"} <= {outcome.name for outcome in result.differing}


async def test_the_sandbox_is_left_empty_and_with_its_own_settings(url: str, tmp_path: Path) -> None:
    await replayed(url, LINES[:10], tmp_path)
    wire = Wire(url)
    settings = await asyncio.to_thread(wire.control, "GET", "settings")
    state = await asyncio.to_thread(wire.control, "GET", "state?entity=CBeteiligte")
    wire.close()
    assert (settings["profile"], settings["version"], settings["webhooks_enabled"]) == ("office", "10.0.0", True)
    assert state == {"CBeteiligte": []}


async def test_the_command_exits_with_0_1_and_2(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, broken = tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "broken.jsonl"
    good.write_text("\n".join(LINES[:3]), encoding="utf-8")
    bad.write_text("\n".join(changed("read", lambda response: response.update(status=500))[:4]), encoding="utf-8")
    broken.write_text('{"request": 1}', encoding="utf-8")
    codes = [
        await asyncio.to_thread(replay.main, ["--base-url", base, str(path)])
        for base, path in ((f"{url}api/v1", good), (url, bad), (url, broken), ("http://127.0.0.1:9", good))
    ]
    assert codes == [0, 1, 2, 2]
    printed = capsys.readouterr()
    assert "3 exchanges, 0 differ" in printed.out
    assert "line 4 read: status: recorded 500, sandbox 200" in printed.out
    assert "broken.jsonl:1: not an exchange" in printed.err


async def test_the_result_can_be_had_as_json(url: str, tmp_path: Path) -> None:
    result = await replayed(url, LINES[:3], tmp_path)
    assert json.loads(replay.report(result, as_json=True)) == {"exchanges": 3, "differing": 0, "differences": []}


def test_ids_are_bound_one_to_one() -> None:
    ids = Ids()
    one, two, three = ("6b00d1fb8988dc5a8", "6b00d21eb7f550340", "6b00d21eeb9e7d7bb")
    assert ids.bind(one, two)
    assert not ids.bind(one, three)
    assert not ids.bind(three, two)
    assert ids.translate(f"/CBeteiligte/{one}?x={three}") == f"/CBeteiligte/{two}?x={three}"
