"""xAI's two hosts over a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from document_sync.adapters.xai import XaiCollections, XaiFiles, XaiHost
from document_sync.domain.values import Indexed, Indexing, StoredFile
from document_sync.ports import Listed, XaiRejected
from synckit.errors import AuthenticationRefused, RateLimited, RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.testing.scripted_http import ScriptedServer

SECRET = "Zwiebelfisch"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
async def host(server: ScriptedServer) -> AsyncIterator[XaiHost]:
    host = XaiHost("xai", server.url, SecretStr("the-key"), Wiring())
    yield host
    await host.close()


async def body() -> AsyncIterator[bytes]:
    yield b"content"


async def test_an_upload_is_a_form_with_its_length(server: ScriptedServer, host: XaiHost) -> None:
    """Both shapes of the answer are read."""
    stored = StoredFile("a", "h", "m", 7, "text/plain")
    for answer in ({"id": "file_1"}, {"file_id": "file_1"}):
        server.says(answer=answer)
        assert await XaiFiles(host).upload("0123-Ä.txt", stored, body()) == "file_1"
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("POST", "/v1/files")
    assert asked.headers["Authorization"] == "Bearer the-key"
    assert 'filename="0123-Ä.txt"' in asked.body.decode()
    assert b"\r\n\r\ncontent\r\n" in asked.body


@pytest.mark.parametrize("status", [413, 403, 422])
async def test_a_refusal_is_told_to_people_alone(server: ScriptedServer, host: XaiHost, status: int) -> None:
    """What xAI says may name the file: it is in no exception's text."""
    server.says(status, {"code": "x", "error": f"{SECRET} is too large"})
    with pytest.raises(XaiRejected) as caught:
        await XaiFiles(host).upload("n", StoredFile("a", "h", "m", 7, ""), body())
    assert caught.value.status == status
    assert caught.value.said == f"{SECRET} is too large"
    assert SECRET not in str(caught.value) + repr(caught.value)


async def test_a_wrong_key_is_a_400(server: ScriptedServer, host: XaiHost) -> None:
    """And nothing is sent for a while."""
    server.says(400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: ab**."})
    with pytest.raises(AuthenticationRefused):
        await XaiFiles(host).exists("file_1")
    with pytest.raises(AuthenticationRefused):
        await XaiFiles(host).exists("file_1")
    assert len(server.asked) == 1


async def test_other_400s_are_refusals(server: ScriptedServer, host: XaiHost) -> None:
    server.says(400, {"error": "bad filter"})
    with pytest.raises(XaiRejected):
        await XaiFiles(host).exists("file_1")


async def test_a_429_says_when(server: ScriptedServer, host: XaiHost) -> None:
    server.says(429, {"error": "slow"}, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as caught:
        await XaiFiles(host).exists("file_1")
    assert caught.value.retry_after == 7


async def test_files_are_found_by_the_beginning(server: ScriptedServer, host: XaiHost) -> None:
    """Newest first, until before the time of the intent; a full page has a next one."""
    rows = [{"id": f"file_{number}", "filename": f"x-{number}", "created_at": 2_000_000_000} for number in range(99)]
    hit = {"id": "file_a", "filename": "abc-1", "created_at": 2_000_000_000}
    server.says(answer={"data": [*rows, hit], "pagination_token": "t"})
    older = {"id": "file_b", "filename": "abc-2", "created_at": 1_999_999_999}
    long_ago = {"id": "file_c", "filename": "abc-3", "created_at": 1}
    server.says(answer={"data": [older, long_ago, older], "pagination_token": "t2"})
    since = datetime.fromtimestamp(2_000_000_000, UTC)
    assert await XaiFiles(host).find("abc-", since) == ["file_b", "file_a"]
    assert "pagination_token=t" in server.asked[1].target
    assert len(server.asked) == 2


async def test_gone_is_gone(server: ScriptedServer, host: XaiHost) -> None:
    files, collections = XaiFiles(host), XaiCollections(host)
    for _ in range(6):
        server.says(404, {"error": "not found"})
    assert not await files.exists("file_1")
    await files.delete("file_1")
    await collections.delete("c")
    await collections.detach("c", "f")
    assert await collections.indexed("c", "f") is None
    assert await collections.listed("c") == []


async def test_collections_declare_our_fields(server: ScriptedServer, host: XaiHost) -> None:
    server.says(answer={"collection_id": "collection_1"})
    assert await XaiCollections(host).create("CVmhRumungsklage-k1", "CVmhRumungsklage/k1") == "collection_1"
    told = server.asked[0].json()
    assert told["collection_name"] == "CVmhRumungsklage-k1"
    assert {"key": "sha256", "required": True, "unique": True} in told["field_definitions"]


async def test_only_the_very_name_is_found(server: ScriptedServer, host: XaiHost) -> None:
    rows = [{"collection_id": "c2", "collection_name": "A-1"}, {"collection_id": "c1", "collection_name": "A-11"}]
    server.says(answer={"collections": rows})
    assert await XaiCollections(host).find("A-1") == ["c2"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("DOCUMENT_STATUS_PROCESSED", Indexing.PROCESSED),
        ("DOCUMENT_STATUS_EMBEDDING", Indexing.PROCESSING),
        ("DOCUMENT_STATUS_NEVER_HEARD_OF", Indexing.PROCESSING),
        (None, Indexing.PROCESSING),
    ],
)
async def test_an_unknown_status_is_on_its_way(
    server: ScriptedServer, host: XaiHost, told: object, expected: Indexing
) -> None:
    server.says(answer={"status": told})
    assert await XaiCollections(host).indexed("c", "f") == Indexed(expected)


async def test_a_failure_has_its_message(server: ScriptedServer, host: XaiHost) -> None:
    server.says(answer={"status": "DOCUMENT_STATUS_FAILED", "error_message": "no text"})
    found = await XaiCollections(host).indexed("c", "f")
    assert found == Indexed(Indexing.FAILED, "no text")


async def test_documents_are_listed_with_their_hash(server: ScriptedServer, host: XaiHost) -> None:
    rows = [
        {"file_metadata": {"file_id": "f1", "name": "n1"}, "fields": {"sha256": "a"}},
        {"file_metadata": {"file_id": "f2", "name": "n2"}, "fields": {"sha256": "b"}},
    ]
    collections = XaiCollections(host)
    server.says(answer={"documents": rows}).says(answer={"documents": rows})
    assert await collections.listed("c") == [Listed("f1", "n1"), Listed("f2", "n2")]
    assert await collections.with_hash("c", "b") == ["f2"]


async def test_attach_and_reindex(server: ScriptedServer, host: XaiHost) -> None:
    server.says(answer={}).says(body=b"")
    collections = XaiCollections(host)
    await collections.attach("c", "f", {"sha256": "a"})
    await collections.reindex("c", "f")
    assert [(one.method, one.target) for one in server.asked] == [
        ("POST", "/v1/collections/c/documents/f"),
        ("PATCH", "/v1/collections/c/documents/f"),
    ]
    assert server.asked[0].json() == {"fields": {"sha256": "a"}}


async def test_a_list_that_is_none_says_nothing(server: ScriptedServer, host: XaiHost) -> None:
    server.says(answer={"documents": None})
    with pytest.raises(RemoteUnavailable):
        await XaiCollections(host).listed("c")


async def test_a_lost_answer_may_have_been_carried_out(server: ScriptedServer, host: XaiHost) -> None:
    server.says(trouble="reset")
    with pytest.raises(RemoteUnavailable) as caught:
        await XaiFiles(host).upload("n", StoredFile("a", "h", "m", 7, ""), body())
    assert caught.value.maybe_applied
