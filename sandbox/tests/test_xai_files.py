"""Files: uploads, limits, lists, keys, and what goes wrong on the way."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import FormData

from sandbox.tests.xai_caller import Caller, xai
from sandbox.xai.access import API_KEY, MANAGEMENT_KEY


async def switch(caller: Caller, **values: Any) -> None:
    status, told = await caller.control("POST", "/xai/switches", values)
    assert status == 200, told


async def test_an_upload_is_read_back() -> None:
    async with xai() as caller:
        status, made = await caller.upload("Räumung".encode(), "0123-Ä b.txt", purpose="assistants")
        assert status == 200
        assert {key: value for key, value in made.items() if key != "id"} == {
            "object": "file", "bytes": 8, "created_at": 1790841600, "expires_at": None, "filename": "0123-Ä b.txt",
            "purpose": "assistants",
        }  # fmt: skip
        assert made["id"].startswith("file_")
        assert await caller.api("GET", f"/v1/files/{made['id']}") == (200, made)
        assert await caller.api("GET", f"/v1/files/{made['id']}/content") == (200, "Räumung")
        assert (await caller.api("DELETE", f"/v1/files/{made['id']}"))[1]["deleted"] is True
        status, told = await caller.api("GET", f"/v1/files/{made['id']}")
        assert (status, told["code"]) == (404, "Some requested entity was not found")


async def test_either_shape_of_a_file() -> None:
    """The second one has its numbers as texts."""
    async with xai() as caller:
        await switch(caller, file_shape="file_id")
        made = (await caller.upload(b"abc"))[1]
        assert made["file_id"].startswith("file_")
        assert made["size_bytes"] == "3"
        assert made["created_at"] == "2026-10-01T08:00:00.000000Z"
        assert "id" not in made


async def test_what_expires_precedes_the_file() -> None:
    async with xai() as caller:
        made = (await caller.upload(b"a", expires_after="3600"))[1]
        assert made["expires_at"] == made["created_at"] + 3600
        other = await caller.upload(b"a", expires_after__anchor="created_at", expires_after__seconds="7200")
        assert other[1]["expires_at"] == made["created_at"] + 7200
        assert (await caller.upload(b"a", expires_after="3599"))[0] == 400
        form = FormData()
        form.add_field("file", b"a", filename="n")
        form.add_field("expires_after", "3600")
        assert (await caller.ask("api", "POST", "/v1/files", data=form))[0] == 400
        caller.clock.pass_(3600)
        assert (await caller.api("GET", f"/v1/files/{made['id']}"))[0] == 404


async def test_limits_of_size_and_account() -> None:
    async with xai() as caller:
        await switch(caller, max_file_bytes=10, max_files=2)
        assert (await caller.upload(b"a" * 11))[0] == 413
        assert (await caller.upload(b"a" * 10))[0] == 200
        assert (await caller.upload(b""))[0] == 200
        assert (await caller.upload(b"a"))[0] == 429
        await switch(caller, full_status=402)
        assert (await caller.upload(b"a"))[0] == 402


@pytest.mark.parametrize("host", ["api", "management"])
async def test_keys_are_refused_when_swapped(host: str) -> None:
    path = {"api": "/v1/files", "management": "/v1/collections"}[host]
    other = {"api": MANAGEMENT_KEY, "management": API_KEY}[host]
    async with xai() as caller:
        assert (await caller.ask(host, "GET", path))[0] == 200
        assert (await caller.ask(host, "GET", path, key=other))[0] == 401
        assert (await caller.ask(host, "GET", path, key=""))[0] == 401
        status, told = await caller.ask(host, "GET", path, key="xai-wrong")
        assert (status, told["code"]) == (400, "Client specified an invalid argument")
        assert "Incorrect API key provided: xa***" in told["error"]
        await switch(caller, swapped_status=403, wrong_key_status=401)
        assert (await caller.ask(host, "GET", path, key=other))[0] == 403
        assert (await caller.ask(host, "GET", path, key="xai-wrong"))[0] == 401


async def test_a_key_without_rights() -> None:
    async with xai() as caller:
        await switch(caller, rights=False)
        assert (await caller.management("GET", ""))[0] == 403
        assert (await caller.api("GET", "/v1/files"))[0] == 200


async def test_a_list_ends_with_a_page_not_full() -> None:
    """A token is always there."""
    async with xai() as caller:
        for number in range(5):
            await caller.file(b"x" * number, f"f{number}")
            caller.clock.pass_(1)
        seen, token, pages = [], "", 0
        while True:
            query = {"limit": "2", **({"pagination_token": token} if token else {})}
            page = (await caller.api("GET", "/v1/files", query=query))[1]
            token, pages = page["pagination_token"], pages + 1
            seen += [file["filename"] for file in page["data"]]
            if len(page["data"]) < 2:
                break
        assert (seen, pages) == (["f4", "f3", "f2", "f1", "f0"], 3)
        found = (await caller.api("GET", "/v1/files", query={"filter": "size_bytes >= 3", "order": "asc"}))[1]["data"]
        assert [file["filename"] for file in found] == ["f3", "f4"]
        for wrong in ({"limit": "101"}, {"limit": "0"}, {"sort_by": "colour"}, {"filter": "name:"}, {"order": "up"}):
            assert (await caller.api("GET", "/v1/files", query=wrong))[0] == 400
        assert (await caller.api("GET", "/v1/files", query={"pagination_token": "x"}))[0] == 400


async def test_a_deleted_file_may_be_listed_longer() -> None:
    async with xai() as caller:
        await switch(caller, deleted_file_seconds=30)
        await caller.api("DELETE", f"/v1/files/{await caller.file(b'a')}")
        assert len((await caller.api("GET", "/v1/files"))[1]["data"]) == 1
        caller.clock.pass_(30)
        assert (await caller.api("GET", "/v1/files"))[1]["data"] == []


async def test_an_idempotency_key_where_it_is_known() -> None:
    async with xai() as caller:
        for is_known, files in ((False, 2), (True, 1)):
            await caller.control("POST", "/reset")
            await switch(caller, idempotency_key=is_known)
            for _ in range(2):
                form = FormData()
                form.add_field("file", b"a", filename="n")
                await caller.ask("api", "POST", "/v1/files", data=form, headers={"Idempotency-Key": "k"})
            assert len((await caller.api("GET", "/v1/files"))[1]["data"]) == files


async def test_public_addresses_come_and_go() -> None:
    async with xai() as caller:
        file = await caller.file(b"a")
        url = (await caller.api("POST", f"/v1/files/{file}/public-url", {"expires_after": 60}))[1]["public_url"]
        assert (await caller.api("GET", f"/v1/files/{file}"))[1]["public_url"] == url
        told = (await caller.api("POST", f"/v1/files/{file}/public-url/revoke"))[1]
        assert told == {"id": file, "revoked": True, "public_url": url}


async def test_what_is_no_form_is_refused() -> None:
    async with xai() as caller:
        assert (await caller.api("POST", "/v1/files", {"file": "a"}))[0] == 415
        form = FormData({"purpose": "a"})
        form.add_field("other", b"x", filename="n")
        assert (await caller.ask("api", "POST", "/v1/files", data=form))[0] == 400
        assert (await caller.ask("api", "PATCH", "/v1/files"))[0] == 405
        status, told = await caller.api("GET", "/v1/nothing")
        assert (status, set(told)) == (404, {"code", "error"})


async def test_an_answer_is_lost_after_the_file_is_kept() -> None:
    """Done, then 500: the duplicate upload trap."""
    async with xai() as caller:
        rule = {"match": {"method": "POST", "path_regex": "/v1/files$"}, "times": 1, "fault": {"kind": "status_after"}}
        assert (await caller.control("POST", "/faults", rule))[0] == 201
        status, told = await caller.upload(b"a")
        assert (status, set(told)) == (500, {"code", "error"})
        assert len((await caller.api("GET", "/v1/files"))[1]["data"]) == 1
        assert (await caller.upload(b"a"))[0] == 200


async def test_a_burst_of_429() -> None:
    async with xai() as caller:
        assert (await caller.control("POST", "/xai/burst", {"calls": 2, "retry_after": 3}))[0] == 201
        client, key = caller.hosts["api"]
        async with client.get("/v1/files", headers={"Authorization": f"Bearer {key}"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        assert (await caller.management("GET", ""))[0] == 429
        assert (await caller.management("GET", ""))[0] == 200


async def test_a_413_before_the_limit() -> None:
    """As a proxy in front may say it; a rule that looks into bodies leaves them whole."""
    async with xai() as caller:
        rule = {"match": {"body_regex": "geheim"}, "fault": {"kind": "status", "status": 413}}
        await caller.control("POST", "/faults", rule)
        assert (await caller.upload(b"geheim"))[0] == 413
        assert (await caller.upload(b"offen"))[0] == 200


async def test_a_bad_day_lies() -> None:
    async with xai() as caller:
        file = await caller.file(b"a")
        await switch(caller, lie="empty_list")
        assert (await caller.api("GET", "/v1/files"))[1]["data"] == []
        await switch(caller, lie="not_found")
        assert (await caller.api("GET", f"/v1/files/{file}"))[0] == 404
        await switch(caller, lie=None)
        assert (await caller.api("GET", f"/v1/files/{file}"))[0] == 200
        for wrong in ({"lie": "hm"}, {"colour": 1}, {"rights": 1}, {"max_files": "2"}, {"attach_twice": 201}):
            assert (await caller.control("POST", "/xai/switches", wrong))[0] == 400


async def test_a_browsers_form_is_understood() -> None:
    """Names with quotes, as browsers escape them, and content that looks like a form."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a%22b.txt"\r\nContent-Type: text/plain\r\n\r\n'
        b"one\r\n\r\n--y\r\nrest\r\n--x--\r\n"
    )
    async with xai() as caller:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        status, made = await caller.ask("api", "POST", "/v1/files", data=body, headers=headers)
        assert (status, made["filename"]) == (200, 'a"b.txt')
        told = await caller.api("GET", f"/v1/files/{made['id']}/content")
        assert told[1].encode() == b"one\r\n\r\n--y\r\nrest"
        assert (await caller.ask("api", "POST", "/v1/files", data=body[:-9], headers=headers))[0] == 400
