"""Notes, notifications, links and attachments."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.espocrm import settings as known
from sandbox.tests.espocrm_caller import Caller, sandbox

PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4 hello").decode()
UPLOAD = {"name": "Brief äö.pdf", "type": "application/pdf", "relatedType": "Document", "field": "file", "file": PDF}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox() as caller:
        yield caller


def to_anna(**more: Any) -> dict[str, Any]:
    return {"type": "Post", "targetType": "users", "usersIds": [known.OFFICE_USER_ID], "post": "Konflikt", **more}


async def test_a_post_to_a_user_needs_the_permission_and_leaves_a_notification(caller: Caller) -> None:
    answer = await caller.api("POST", "/Note", to_anna())
    assert answer.status == 200
    assert answer.body["usersNames"] == {known.OFFICE_USER_ID: "Anna Anwältin"}
    mine = (await caller.api("GET", "/Notification", by="anna")).body
    assert (mine["total"], [row["relatedId"] for row in mine["list"]]) == (-2, [answer.body["id"]])
    await caller.control("POST", "users/advoware_sync", {"role": {"permissions": {"message": "no"}}})
    refused = await caller.api("POST", "/Note", to_anna())
    assert (refused.status, refused.reason) == (403, "Not permitted to post to anybody except self.")
    assert (await caller.api("POST", "/Note", {"type": "Post", "targetType": "self", "post": "x"})).status == 200


async def test_only_admins_create_notifications(caller: Caller) -> None:
    body = {"type": "Message", "userId": known.OFFICE_USER_ID, "message": "Hallo", "relatedType": "CBeteiligte"}
    assert (await caller.api("POST", "/Notification", body)).reason == "No create access."
    assert (await caller.api("POST", "/Notification", body, by="anna")).reason == "No create access."
    created = await caller.api("POST", "/Notification", body, by="admin")
    assert (created.status, created.body["userName"]) == (200, "Anna Anwältin")
    assert "relatedType" not in created.body


async def test_a_post_on_a_record_is_in_its_stream_and_moves_only_stream_updated_at(caller: Caller) -> None:
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:00"})
    record = await caller.create(lastName="Probe")
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:09"})
    note = {"type": "Post", "parentType": "CBeteiligte", "parentId": record, "post": "Hallo @anna"}
    created = await caller.api("POST", "/Note", note)
    assert (created.status, created.body["parentName"]) == (200, "Probe")
    stream = (await caller.api("GET", f"/CBeteiligte/{record}/stream")).body
    assert (stream["total"], [row["type"] for row in stream["list"]]) == (2, ["Post", "Create"])
    assert stream["pinnedList"] == []
    shown = await caller.read(record)
    assert (shown["modifiedAt"], shown["streamUpdatedAt"]) == ("2026-05-05 10:00:00", "2026-05-05 10:00:09")
    assert len((await caller.api("GET", "/Notification", by="anna")).body["list"]) == 1


async def test_an_assignment_tells_the_user_and_makes_him_a_follower(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    await caller.put(record, assignedUserId=known.OFFICE_USER_ID)
    assert (await caller.read(record))["followersIds"] == [known.OFFICE_USER_ID]
    [row] = (await caller.api("GET", "/Notification", by="anna")).body["list"]
    assert (row["type"], row["relatedId"]) == ("Assign", record)


async def test_all_posts_can_be_read_over_the_control_api(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    await caller.api("POST", "/Note", to_anna())
    await caller.api("POST", "/Note", {"type": "Post", "parentType": "CBeteiligte", "parentId": record, "post": "Da"})
    found = (await caller.control("GET", "notes"))["notes"]
    assert [(note["post"], note["usersIds"]) for note in found] == [("Konflikt", [known.OFFICE_USER_ID]), ("Da", [])]
    assert len((await caller.control("GET", f"notes?parent={record}"))["notes"]) == 1


async def test_linking_is_idempotent_and_says_what_is_wrong(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    contacts = [await caller.create("Contact", lastName=f"Kontakt {number}") for number in range(2)]
    account = await caller.create("Account", name="Firma")
    path = f"/CBeteiligte/{record}"
    assert (await caller.api("POST", f"{path}/kontakte", {"id": contacts[0]})).body is True
    assert (await caller.api("POST", f"{path}/kontakte", {"ids": contacts})).body is True
    assert (await caller.api("POST", f"{path}/kontakte", {})).body is False
    listed = (await caller.api("GET", f"{path}/kontakte?select=name")).body
    assert (listed["total"], listed["list"][0]["accountName"]) == (2, None)
    assert (await caller.api("DELETE", f"{path}/kontakte", {"id": contacts[0]})).body is True
    assert (await caller.read(record))["kontakteIds"] == [contacts[1]]
    refused = await caller.api("POST", f"{path}/firma", {"id": account})
    assert refused.reason == "Only manyMany, hasMany & hasChildren relations are allowed."
    unknown = await caller.api("POST", f"{path}/nix", {"id": account})
    assert (unknown.status, unknown.reason) == (404, "Entity CBeteiligte does not have link nix.")
    assert (await caller.api("POST", f"{path}/kontakte", {"id": "nix"})).status == 404


async def test_an_attachment_is_uploaded_for_a_field_linked_and_downloaded(caller: Caller) -> None:
    created = await caller.api("POST", "/Attachment", UPLOAD)
    assert (created.status, created.body["size"], created.body["isBeingUploaded"]) == (200, 14, False)
    attachment = created.body["id"]
    async with caller.client.get(
        f"/api/v1/Attachment/file/{attachment}", headers={"X-Api-Key": known.API_KEY}
    ) as response:
        assert (response.content_type, await response.read()) == ("application/pdf", b"%PDF-1.4 hello")
        assert "Brief äö.pdf" in response.headers["Content-Disposition"]
    document = await caller.create("Document", name="Brief", fileId=attachment)
    shown = await caller.read(attachment, "Attachment")
    assert (shown["relatedId"], shown["relatedName"]) == (document, "Brief")


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"field": None}, 400, "No `field` and `parentType`."),
        ({"field": "nope"}, 403, "Field 'nope' does not exist."),
        ({"field": "name"}, 403, "Field type 'varchar' is not allowed for Attachment."),
        ({"role": "Nope"}, 403, "Role not allowed."),
        ({"file": 5}, 400, "Non-string file contents."),
    ],
)
async def test_an_upload_that_is_refused_says_why(
    caller: Caller, change: dict[str, Any], status: int, reason: str
) -> None:
    answer = await caller.api("POST", "/Attachment", {**UPLOAD, **change})
    assert (answer.status, answer.reason) == (status, reason)


async def test_an_accept_list_refuses_other_types(caller: Caller) -> None:
    field = {"type": "file", "accept": [".docx", "image/*"]}
    await caller.control("POST", "metadata", {"Document": {"fields": {"file": field}}})
    answer = await caller.api("POST", "/Attachment", UPLOAD)
    assert (answer.status, answer.reason) == (403, "Not allowed file type.")
    image = {**UPLOAD, "name": "a.png", "type": "image/png"}
    assert (await caller.api("POST", "/Attachment", image)).status == 200


async def test_a_big_file_comes_in_chunks(caller: Caller) -> None:
    start = {**UPLOAD, "isBeingUploaded": True, "size": 10}
    start.pop("file")
    attachment = (await caller.api("POST", "/Attachment", start)).body["id"]
    for piece in (b"01234", b"56789"):
        content = f"data:application/pdf;base64,{base64.b64encode(piece).decode()}".encode()
        assert (await caller.api("POST", f"/Attachment/chunk/{attachment}", content)).body is True
    assert (await caller.api("GET", f"/Attachment/file/{attachment}")).body == "0123456789"


async def test_a_tasks_parent_must_be_of_its_list(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    answer = await caller.api("POST", "/Task", {"name": "Anruf", "parentType": "CBeteiligte", "parentId": record})
    assert (answer.status, answer.body["messageTranslation"]["data"]["field"]) == (400, "parent")
