"""The EspoCRM client against answers that a proper server would not give, and what it makes of refusals."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from synckit.errors import AuthenticationRefused, CircuitOpen, RateLimited, RemoteRejected, RemoteUnavailable
from synckit.http.wiring import HttpLimits, Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import ABRUPT_LIMITS, PATIENT_LIMITS
from synckit.testing.scripted_http import Asked, Line, ScriptedServer

RECORD = {"id": "5a1", "lastName": "Müller", "modifiedAt": "2026-06-01 10:00:00"}
VALIDATION = "Field validation failure; entityType: CBeteiligte, field: lastName, type: maxLength."


class Espo:
    """A client, and what its hooks were told."""

    def __init__(self, url: str, limits: HttpLimits = PATIENT_LIMITS) -> None:
        self.clock = FakeClock()
        self.calls: list[tuple[str, str, str]] = []
        self.refusals: list[str] = []
        wiring = Wiring(
            limits=limits,
            on_call=lambda upstream, method, code, _: self.calls.append((upstream, method, code)),
            on_refused=self.refusals.append,
            monotonic=self.clock.monotonic,
        )
        self.client = EspoClient(url, EspoAuth("a-key"), wiring)
        self.store = EspoStore(self.client, "CBeteiligte")


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
async def espo(server: ScriptedServer) -> AsyncIterator[Espo]:
    made = Espo(server.url)
    yield made
    await made.client.close()


@pytest.fixture
async def abrupt_espo(server: ScriptedServer) -> AsyncIterator[Espo]:
    made = Espo(server.url, ABRUPT_LIMITS)
    yield made
    await made.client.close()


async def test_a_record_is_read_with_its_time_in_utc(server: ScriptedServer, espo: Espo) -> None:
    server.says(200, RECORD)
    found = await espo.store.read("5a1")
    assert found is not None
    assert (found.id, found.changed_at) == ("5a1", datetime(2026, 6, 1, 10, tzinfo=UTC))
    assert server.asked[0].headers["X-Api-Key"] == "a-key"
    assert espo.calls == [("espocrm", "GET", "200")]


async def test_a_record_that_espocrm_says_is_gone_is_none(server: ScriptedServer, espo: Espo) -> None:
    server.says(404, headers={"X-Status-Reason": "Record 5a1 does not exist."}).says(200, {**RECORD, "deleted": True})
    assert await espo.store.read("5a1") is None
    assert await espo.store.read("5a1") is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"", ""),
        (404, b"", "Controller 'CBeteiligte' does not exist."),
        (404, b'{"message": "404 Not Found"}', ""),
        (404, b"<html>404</html>", ""),
        (200, b"<html>Login</html>", ""),
        (200, b"", ""),
        (200, b"[]", ""),
        (200, b'{"id": "5a1", "last', ""),
        (200, b'{"id": "5a2"}', ""),
        (302, b"", ""),
        (500, b"", ""),
        (503, b'{"message": "maintenance"}', "Maintenance mode"),
    ],
)
async def test_an_answer_that_is_not_about_the_record_never_reads_as_gone_or_empty(
    server: ScriptedServer, espo: Espo, status: int, body: bytes, reason: str
) -> None:
    server.says(status, body=body, headers={"X-Status-Reason": reason})
    with pytest.raises(RemoteUnavailable) as caught:
        await espo.store.read("5a1")
    assert not caught.value.maybe_applied


@pytest.mark.parametrize("trouble", ["silence", "reset", "cut_short"])
async def test_a_write_whose_answer_is_lost_may_have_been_applied(
    server: ScriptedServer, abrupt_espo: Espo, trouble: Any
) -> None:
    server.otherwise = Line(200, b"{}", trouble=trouble)
    with pytest.raises(RemoteUnavailable) as caught:
        await abrupt_espo.store.create({"lastName": "Müller"})
    assert caught.value.maybe_applied
    with pytest.raises(RemoteUnavailable) as caught:
        await abrupt_espo.store.read("5a1")
    assert not caught.value.maybe_applied


@pytest.mark.parametrize(("status", "body"), [(500, b""), (502, b"<html>"), (200, b"<html>"), (200, b"[1"), (200, b"")])
async def test_a_write_with_an_answer_that_tells_nothing_may_have_been_applied(
    server: ScriptedServer, espo: Espo, status: int, body: bytes
) -> None:
    server.says(status, body=body)
    with pytest.raises(RemoteUnavailable) as caught:
        await espo.store.update("5a1", {"lastName": "x"})
    assert caught.value.maybe_applied


async def test_a_server_that_is_not_there_has_applied_nothing() -> None:
    async with ScriptedServer() as gone:
        url = gone.url
    espo = Espo(url)
    with pytest.raises(RemoteUnavailable) as caught:
        await espo.store.update("5a1", {"lastName": "x"})
    assert not caught.value.maybe_applied
    assert espo.calls == [("espocrm", "PUT", "connect")]
    await espo.client.close()


async def test_after_a_refused_key_nothing_is_sent_for_two_minutes(server: ScriptedServer, espo: Espo) -> None:
    server.says(401).says(200, RECORD)
    for _ in range(20):
        with pytest.raises(AuthenticationRefused):
            await espo.store.read("5a1")
    assert len(server.asked) == 1
    assert espo.refusals == ["espocrm"]
    espo.clock.advance(121)
    assert await espo.store.read("5a1") is not None


async def test_an_address_that_is_locked_out_is_left_alone_for_a_minute(server: ScriptedServer, espo: Espo) -> None:
    """As with a refused key, nobody's record is wrong, and a person must look: it is the keys of this address."""
    server.says(403).says(200, RECORD)
    for _ in range(20):
        with pytest.raises(AuthenticationRefused) as caught:
            await espo.store.read("5a1")
        assert caught.value.retry_after == 60
    assert (len(server.asked), espo.refusals) == (1, ["espocrm"])
    espo.clock.advance(61)
    assert await espo.store.read("5a1") is not None


@pytest.mark.parametrize("body", [b"<html>no</html>", b'{"error": 403}'])
async def test_a_403_that_says_something_locks_nobody_out(server: ScriptedServer, espo: Espo, body: bytes) -> None:
    server.says(403, body=body).says(200, RECORD)
    with pytest.raises((RemoteRejected, RemoteUnavailable)):
        await espo.store.read("5a1")
    assert espo.refusals == []
    assert await espo.store.read("5a1") is not None


@pytest.mark.parametrize(
    ("status", "reason", "body", "field", "words"),
    [
        (400, VALIDATION, b"", "lastName", "maxLength"),
        (
            400,
            "",
            json.dumps({"messageTranslation": {"label": "validationFailure", "data": {"field": "x", "type": "min"}}}),
            "x",
            "validationFailure min",
        ),
        (403, "No edit access.", b"", None, "No edit access"),
        (403, "Something about Müller", b"", None, "rejected"),
        (400, "", b'{"messageTranslation": {"label": "Frau M\\u00fcller!", "data": null}}', None, "rejected"),
        (409, "duplicate", b'[{"id": "5a2", "lastName": "Geheim"}]', None, "duplicate"),
        (409, "modified", b'{"values": {"lastName": "Geheim"}, "versionNumber": 3}', None, "modified"),
    ],
)
async def test_a_refusal_names_field_and_rule_and_no_value(
    server: ScriptedServer, espo: Espo, status: int, reason: str, body: bytes | str, field: str | None, words: str
) -> None:
    content = body.encode() if isinstance(body, str) else body
    server.says(status, body=content, headers={"X-Status-Reason": reason.encode("ascii", "replace").decode()})
    with pytest.raises(RemoteRejected) as caught:
        await espo.store.update("5a1", {"lastName": "Geheim"})
    assert (caught.value.status, caught.value.field, caught.value.reason) == (status, field, words)
    assert "Geheim" not in str(caught.value)


async def test_a_proxy_that_limits_us_is_obeyed(server: ScriptedServer, espo: Espo) -> None:
    server.says(429, headers={"Retry-After": "17"})
    with pytest.raises(RateLimited) as caught:
        await espo.store.read("5a1")
    assert caught.value.retry_after == 17


async def test_a_create_skips_the_duplicate_check_and_a_body_is_json(server: ScriptedServer, espo: Espo) -> None:
    server.says(200, {"id": "5a9"})
    created = await espo.store.create({"lastName": "Müller 👍"})
    assert created.id == "5a9"
    assert server.asked[0].headers["X-Skip-Duplicate-Check"] == "true"
    assert server.asked[0].headers["Content-Type"] == "application/json"
    assert server.asked[0].json() == {"lastName": "Müller 👍"}


async def test_hmac_signs_method_and_path_without_the_query(server: ScriptedServer) -> None:
    client = EspoClient(server.url, EspoAuth("key", "secret"))
    server.says(200, {"total": 0, "list": []})
    assert await client.rows("CBeteiligte", {"where": []}) == []
    key, _, digest = base64.b64decode(server.asked[0].headers["X-Hmac-Authorization"]).decode().partition(":")
    assert (key, digest) == ("key", hmac.new(b"secret", b"GET /CBeteiligte", hashlib.sha256).hexdigest())
    assert "X-Api-Key" not in server.asked[0].headers
    await client.close()


def test_credentials_never_show() -> None:
    assert "geheim" not in repr(EspoAuth("geheim", "geheim"))


def search_of(asked: Asked) -> dict[str, Any]:
    return dict(json.loads(parse_qs(urlsplit(asked.target).query)["searchParams"][0]))


def standing_of(search: dict[str, Any]) -> tuple[str, str] | None:
    """Behind which (time, id) the page begins: as EspoCRM sorts, by time and then by id."""
    if len(search["where"]) == 1:
        return None
    later, same = search["where"][1]["value"]
    assert [each["attribute"] for each in (later, *same["value"])] == ["modifiedAt", "modifiedAt", "id"]
    return later["value"], same["value"][1]["value"]


def row(number: int, second: int) -> dict[str, Any]:
    return {"id": f"r{number:04}", "modifiedAt": f"2026-06-01 10:{second // 60:02}:{second % 60:02}"}


async def test_changes_are_paged_by_time_and_each_comes_once(server: ScriptedServer, espo: Espo) -> None:
    first = [row(n, n) for n in range(200)]
    server.says(200, {"total": -1, "list": first}).says(
        200, {"total": -2, "list": [first[-1], row(200, 199), row(201, 300)]}
    )
    found = [each async for each in espo.store.changed_since(datetime(2026, 6, 1, 10, tzinfo=UTC), ["betnr"])]
    assert [each[0] for each in found] == [f"r{n:04}" for n in range(202)]
    asked = [search_of(each) for each in server.asked]
    assert [each["where"][0]["value"] for each in asked] == ["2026-06-01 10:00:00"] * 2
    assert [standing_of(each) for each in asked] == [None, ("2026-06-01 10:03:19", "r0199")]
    assert [each["offset"] for each in asked] == [0, 0]
    assert asked[0]["select"] == ["id", "modifiedAt", "betnr"]


async def test_a_mass_update_within_one_second_is_paged_by_id(server: ScriptedServer, espo: Espo) -> None:
    pages = [[row(n + 200 * page, 5) for n in range(200)] for page in range(2)]
    for page in (*pages, [row(400, 5), row(401, 6)]):
        server.says(200, {"total": -1, "list": page})
    found = [each async for each in espo.store.changed_since(datetime(2026, 6, 1, 10, 0, 5, tzinfo=UTC))]
    assert len({each[0] for each in found}) == len(found) == 402
    standing = [standing_of(search_of(each)) for each in server.asked]
    assert standing == [None, ("2026-06-01 10:00:05", "r0199"), ("2026-06-01 10:00:05", "r0399")]


@pytest.mark.parametrize("answer", [[], {"total": 3}, {"list": None}, "text"])
async def test_a_list_without_a_list_is_no_empty_list(server: ScriptedServer, espo: Espo, answer: Any) -> None:
    server.says(200, answer)
    with pytest.raises(RemoteUnavailable):
        _ = [each async for each in espo.store.select([{"type": "isNull", "attribute": "betnr"}])]


async def test_a_note_goes_to_the_user_and_where_that_is_refused_to_the_stream(
    server: ScriptedServer, espo: Espo
) -> None:
    notifier = EspoNotifier(espo.client, "CBeteiligte")
    refused = {"X-Status-Reason": "Not permitted to post to anybody except self."}
    server.says(200, {"id": "n1"}).says(403, headers=refused).says(200, {"id": "n2"}).says(200, {"id": "n3"})
    await notifier.tell("5a1", "u1", "eins")
    await notifier.tell("5a1", "u1", "zwei")
    await notifier.tell("5a1", None, "drei")
    posts = [each.json() for each in server.asked]
    assert posts[0] == {"type": "Post", "targetType": "users", "usersIds": ["u1"], "post": "eins"}
    on_stream = {"type": "Post", "parentType": "CBeteiligte", "parentId": "5a1"}
    assert posts[2:] == [{**on_stream, "post": "zwei"}, {**on_stream, "post": "drei"}]


async def test_a_note_is_found_by_its_marker_among_ours_or_on_the_stream(server: ScriptedServer, espo: Espo) -> None:
    notifier = EspoNotifier(espo.client, "CBeteiligte")
    stream = {"total": 1, "list": [{"id": "n2", "post": "… (#5a1-7)"}, {"id": "n3", "post": None}]}
    server.says(200, {"list": [{"id": "n1"}]}).says(200, {"list": []})
    server.says(403, headers={"X-Status-Reason": "No read access."}).says(200, stream)
    assert [await notifier.told("5a1", "#5a1-7") for _ in range(3)] == [True, False, True]
    assert search_of(server.asked[0])["where"] == [{"type": "contains", "attribute": "post", "value": "#5a1-7"}]


async def test_every_request_names_the_process_that_it_comes_from(server: ScriptedServer) -> None:
    client = EspoClient(server.url, EspoAuth("a-key"), Wiring(agent="beteiligte-sync/a-host-7"))
    server.says(200, RECORD)
    await EspoStore(client, "CBeteiligte").read("5a1")
    await client.close()
    assert server.asked[0].headers["User-Agent"] == "beteiligte-sync/a-host-7"


async def test_after_failures_on_many_records_nothing_is_asked_until_a_probe_is_answered(
    server: ScriptedServer, espo: Espo
) -> None:
    for number in range(8):
        server.says(503)
        with pytest.raises(RemoteUnavailable):
            await espo.store.read(f"5a{number % 3}")
    with pytest.raises(CircuitOpen) as refused:
        await espo.store.read("5a1")
    assert (len(server.asked), refused.value.retry_after) == (8, 2.0)
    assert not espo.client.may_call()
    espo.clock.advance(2.0)
    server.says(200, RECORD)
    await espo.store.read("5a1")
    assert espo.client.may_call()


async def test_the_failure_that_opens_the_circuit_is_no_records_fault_either(
    server: ScriptedServer, espo: Espo
) -> None:
    caught = []
    for number in range(9):
        server.says(trouble="reset")
        with pytest.raises(RemoteUnavailable) as failure:
            await espo.store.read(f"5a{number % 3}")
        caught.append(type(failure.value))
    assert caught == [*[RemoteUnavailable] * 7, CircuitOpen, CircuitOpen]


async def test_a_write_whose_connection_is_cut_is_never_sent_a_second_time_by_itself(
    server: ScriptedServer, espo: Espo
) -> None:
    server.says(trouble="reset").says(200, RECORD)
    with pytest.raises(RemoteUnavailable) as lost:
        await espo.store.update("5a1", {"titel": "Dr."})
    assert lost.value.maybe_applied
    assert [each.method for each in server.asked] == ["PUT"]


async def test_a_write_to_a_server_that_hangs_up_is_never_sent_a_second_time_by_itself(
    server: ScriptedServer, espo: Espo
) -> None:
    server.says(trouble="silence").says(200, RECORD)
    asking = asyncio.ensure_future(espo.store.update("5a1", {"titel": "Dr."}))
    while not server.asked:
        await asyncio.wait({asking}, timeout=0.01)
    server.hang_up()
    with pytest.raises(RemoteUnavailable):
        await asking
    assert len(server.asked) == 1
