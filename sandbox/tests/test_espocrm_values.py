"""What EspoCRM makes of the values that a client writes: the traps of the contract, one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.espocrm_caller import Caller, sandbox


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox() as caller:
        yield caller


@pytest.mark.parametrize(
    ("key", "sent", "stored"),
    [
        ("betnr", "12", 12),
        ("betnr", 12.7, 12),
        ("aktiv", "false", False),
        ("aktiv", 0, False),
        ("salutation", "  Herr ", "Herr"),
        ("salutation", "", None),
        ("salutation", 12, "12"),
        ("salutation", ["a"], "Array"),
        ("description", "  a\r\nb  ", "  a\r\nb  "),
        ("description", "<b>&</b>", "<b>&</b>"),
        ("dateOfBirth", "1752-02-29", "1752-02-29"),
        ("dateOfBirth", None, None),
        ("advowareLastSync", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05"),
        ("advowareLastSync", "2026-01-02T03:04:05+01:00", "2026-01-02 02:04:05"),
        ("advowareLastSync", "2026-01-02 03:04", "2026-01-02 03:04:00"),
        ("tags", None, []),
        ("tags", ["A", "C"], ["A", "C"]),
        ("rechtsform", "GmbH", "GmbH"),
        ("firmenname", "😀 Mu\u0308ller", "😀 Mu\u0308ller"),
        ("nope", 1, None),
        ("id", "mine", None),
        ("createdAt", "2001-01-01 00:00:00", None),
        ("deleted", True, False),
    ],
)
async def test_a_written_value_reads_back_as_espocrm_stores_it(
    caller: Caller, key: str, sent: Any, stored: Any
) -> None:
    record = await caller.create(lastName="Probe", aktiv=True)
    before = await caller.read(record)
    answer = await caller.put(record, **{key: sent})
    assert answer.status == 200
    after = await caller.read(record)
    assert after.get(key) == (before[key] if key in ("id", "createdAt") else stored)


@pytest.mark.parametrize(
    ("key", "sent", "kind"),
    [
        ("betnr", "abc", "min"),
        ("betnr", 3_000_000_000, "rangeInternal"),
        ("dateOfBirth", "1980-01-31 10:00:00", "valid"),
        ("dateOfBirth", "31.01.1980", "valid"),
        ("dateOfBirth", "2026-02-30", "valid"),
        ("dateOfBirth", "", "valid"),
        ("advowareLastSync", "2026-01-02T03:04:05", "valid"),
        ("advowareLastSync", "2026-01-02 03:04:05.5", "valid"),
        ("syncStatus", "nope", "valid"),
        ("syncStatus", None, "valid"),
        ("salutation", "x" * 61, "maxLength"),
        ("tags", ["Z"], "valid"),
        ("tags", "A", "array"),
        ("lastName", "a<b", "pattern"),
        ("firstName", "a=b", "pattern"),
        ("emailAddress", "not an email", "emailAddress"),
        ("emailAddress", "info@müller.de", "emailAddress"),
        ("phoneNumber", "0511 1234567", "valid"),
        ("phoneNumber", "0049 511 123456", "valid"),
        ("streitwert", 5, "validCurrency"),
    ],
)
async def test_a_value_that_is_refused_names_its_field_in_the_reason_and_in_the_body(
    caller: Caller, key: str, sent: Any, kind: str
) -> None:
    record = await caller.create(lastName="Probe")
    answer = await caller.put(record, **{key: sent})
    assert answer.status == 400
    assert answer.reason == f"Field validation failure; entityType: CBeteiligte, field: {key}, type: {kind}."
    told = {"label": "validationFailure", "scope": None, "data": {"field": key, "type": kind}}
    assert answer.body == {"messageTranslation": told}


@pytest.mark.parametrize("body", [b'{"betnr": 9', b'{"firmenname": "\xff"}', b'{"aktiv": null}'])
async def test_what_php_or_the_database_chokes_on_is_a_500_with_an_empty_body(caller: Caller, body: bytes) -> None:
    record = await caller.create(lastName="Probe")
    answer = await caller.api("PUT", f"/CBeteiligte/{record}", body)
    assert (answer.status, answer.reason, answer.body) == (500, None, "")
    assert answer.content_type == "application/json"


async def test_a_body_of_another_content_type_is_ignored_but_bumps_modified_at(caller: Caller) -> None:
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:00"})
    record = await caller.create(lastName="Probe", betnr=1)
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:01"})
    answer = await caller.api("PUT", f"/CBeteiligte/{record}", b'{"betnr": 2}', Content_Type="text/plain")
    assert (answer.status, answer.body["betnr"]) == (200, 1)
    assert answer.body["modifiedAt"] == "2026-05-05 10:00:01"


async def test_json_with_a_charset_and_an_array_as_body_are_fine(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", betnr=1)
    charset = "application/json; charset=utf-8"
    assert (await caller.api("PUT", f"/CBeteiligte/{record}", {"betnr": 3}, Content_Type=charset)).body["betnr"] == 3
    assert (await caller.api("PUT", f"/CBeteiligte/{record}", [1, 2])).status == 200


async def test_a_new_record_shows_only_what_was_set_and_a_read_shows_everything(caller: Caller) -> None:
    answer = await caller.api("POST", "/CBeteiligte", {"lastName": "Probe"})
    assert "firmenname" not in answer.body
    assert "name" not in answer.body
    assert "modifiedById" not in answer.body
    assert answer.body["rechtsform"] is None
    assert answer.body["syncStatus"] == "pending_sync"
    whole = await caller.read(answer.body["id"])
    assert (whole["name"], whole["firmenname"], whole["modifiedById"]) == ("Probe", None, None)


async def test_the_answer_of_a_put_shows_a_written_name_that_is_stored_nowhere(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    assert (await caller.put(record, name="Foo Bar")).body["name"] == "Foo Bar"
    assert (await caller.read(record))["name"] == "Probe"


async def test_unset_arrays_read_as_empty_in_10_and_as_null_in_9() -> None:
    async with sandbox(version="10.0.0") as new, sandbox(version="9.2.7") as old:
        assert (await new.read(await new.create(lastName="Probe")))["tags"] == []
        assert (await old.read(await old.create(lastName="Probe")))["tags"] is None


async def test_an_unknown_foreign_id_is_a_403_with_the_kind_of_record(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    answer = await caller.put(record, assignedUserId="doesnotexist00001")
    assert answer.status == 403
    assert answer.reason == "Can't relate with non-existing record. entity type: CBeteiligte, link: assignedUser."
    assert answer.body["messageTranslation"]["data"] == {"foreignEntityType": "User"}


async def test_modified_at_moves_on_a_write_that_changes_nothing(caller: Caller) -> None:
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:00"})
    record = await caller.create(lastName="Probe", betnr=5)
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:07"})
    await caller.put(record, betnr=5)
    shown = await caller.read(record)
    assert (shown["createdAt"], shown["modifiedAt"]) == ("2026-05-05 10:00:00", "2026-05-05 10:00:07")
    assert shown["streamUpdatedAt"] == "2026-05-05 10:00:00"


async def test_delete_is_soft_and_only_an_admin_still_sees_the_record(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    assert (await caller.api("DELETE", f"/CBeteiligte/{record}")).body is True
    gone = await caller.api("GET", f"/CBeteiligte/{record}")
    assert (gone.status, gone.reason, gone.body) == (404, f"Record {record} does not exist.", "")
    assert (await caller.api("GET", f"/CBeteiligte/{record}", by="admin")).body["deleted"] is True
    assert (await caller.api("DELETE", f"/CBeteiligte/{record}")).status == 404


async def test_a_twin_by_name_or_by_address_is_a_409_with_the_records_found(caller: Caller) -> None:
    record = await caller.create(firstName="Edda", lastName="Kornblum", emailAddress="edda@x.de")
    by_name = await caller.api("POST", "/CBeteiligte", {"firstName": "EDDA", "lastName": "Kornblum"})
    by_address = await caller.api("POST", "/CBeteiligte", {"lastName": "Halm", "emailAddress": "EDDA@x.de"})
    for answer in (by_name, by_address):
        assert (answer.status, answer.reason) == (409, "duplicate")
        assert [row["id"] for row in answer.body] == [record]
        assert "emailAddressData" not in answer.body[0]
    other = await caller.api("POST", "/CBeteiligte", {"lastName": "Kornblum"})
    skipped = await caller.api(
        "POST", "/CBeteiligte", {"firstName": "Edda", "lastName": "Kornblum"}, X_Skip_Duplicate_Check="true"
    )
    assert (other.status, skipped.status) == (200, 200)


async def test_optimistic_concurrency_refuses_a_stale_write_only_where_a_value_differs(caller: Caller) -> None:
    account = await caller.create("Account", name="Kanzlei", website="a.de")
    assert (await caller.put(account, "Account", website="b.de")).body["versionNumber"] == 2
    path = f"/Account/{account}"
    stale = await caller.api("PUT", path, {"website": "c.de"}, X_Version_Number="1")
    assert (stale.status, stale.reason) == (409, "modified")
    assert stale.body == {"values": {"website": "b.de"}, "versionNumber": 2}
    equal = await caller.api("PUT", path, {"website": "b.de", "versionNumber": 77}, X_Version_Number="1")
    assert (equal.status, equal.body["versionNumber"]) == (200, 3)
    assert (await caller.api("PUT", path, {"website": "d.de"}, X_Version_Number="abc")).status == 409
    assert (await caller.api("PUT", path, {"website": "d.de"}, X_Version_Number="3")).status == 200


async def test_the_version_header_means_nothing_where_the_entity_has_no_concurrency_control(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    answer = await caller.api("PUT", f"/CBeteiligte/{record}", {"betnr": 4}, X_Version_Number="99")
    assert answer.status == 200
    assert "versionNumber" not in answer.body


async def test_the_office_profile_has_the_offices_fields_and_options(caller: Caller) -> None:
    async with sandbox(profile="office") as office:
        for status in ("dirty", "syncing", "clean", "deleted_in_advoware"):
            record = await office.create(lastName="Probe", syncStatus=status, salutationName="Divers", titel="Dr.")
            assert (await office.read(record))["syncStatus"] == status
        party = await office.create(lastName="Sommer")
        address = await office.create("CAdressen", name="Haus", adresseStreet="Gasse 1", beteiligteId=party)
        listed = await office.api("GET", f"/CBeteiligte/{party}/adressens")
        assert [row["id"] for row in listed.body["list"]] == [address]
        options = await office.api("GET", "/Metadata?key=entityDefs.CBeteiligte.fields.syncStatus")
        assert "deleted_in_advoware" in options.body["options"]
