"""E-mail addresses and phone numbers: lists that are replaced, rows that all records share, half-stale answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.espocrm_caller import Caller, sandbox


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox() as caller:
        yield caller


def email(address: str, *, primary: bool = False, opt_out: bool = False) -> dict[str, Any]:
    shared = {"primary": primary, "optOut": opt_out, "invalid": False}
    return {"emailAddress": address, "lower": address.lower(), **shared}


async def test_data_replaces_the_whole_list_and_the_first_is_primary_without_one(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddressData=[{"emailAddress": "a@x.de"}])
    answer = await caller.put(record, emailAddressData=[{"emailAddress": "c@x.de"}, {"emailAddress": "d@x.de"}])
    assert answer.body["emailAddressData"] == [{"emailAddress": "c@x.de"}, {"emailAddress": "d@x.de"}]
    assert answer.body["emailAddress"] == "c@x.de"
    assert (await caller.read(record))["emailAddressData"] == [email("c@x.de", primary=True), email("d@x.de")]


async def test_of_two_primaries_the_last_wins_and_unknown_keys_are_ignored(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    rows = [
        {"emailAddress": "c@x.de", "primary": True},
        {"emailAddress": "D@x.de", "primary": 1, "optOut": 0, "lower": "WRONG", "foo": 1},
    ]
    assert (await caller.put(record, emailAddressData=rows)).body["emailAddress"] == "d@x.de"
    stored = await caller.read(record)
    assert stored["emailAddressData"] == [email("D@x.de", primary=True), email("c@x.de")]
    assert stored["emailAddress"] == "D@x.de"


async def test_two_rows_that_differ_in_case_only_can_leave_no_primary(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddressData=[email("c@x.de"), email("d@x.de", primary=True)])
    rows = [{"emailAddress": "c@x.de", "primary": True}, {"emailAddress": "C@X.de", "primary": False}]
    answer = await caller.put(record, emailAddressData=rows)
    assert answer.body["emailAddress"] == "d@x.de"
    stored = await caller.read(record)
    assert (stored["emailAddress"], stored["emailAddressIsOptedOut"]) == (None, None)
    assert stored["emailAddressData"] == [email("C@X.de")]


async def test_the_plain_string_replaces_the_primary_and_null_removes_it(caller: Caller) -> None:
    rows = [email("a@x.de", primary=True), email("b@x.de", opt_out=True)]
    record = await caller.create(lastName="Probe", emailAddressData=rows)
    answer = await caller.put(record, emailAddress="neu@x.de")
    assert answer.body["emailAddressData"] == [email("neu@x.de", primary=True), email("b@x.de", opt_out=True)]
    await caller.put(record, emailAddress=None)
    assert (await caller.read(record))["emailAddressData"] == [email("b@x.de", primary=True, opt_out=True)]
    stale = await caller.put(record, emailAddressData=[])
    assert stale.body["emailAddress"] == "b@x.de"
    assert (await caller.read(record))["emailAddressData"] == []


async def test_data_wins_over_the_string(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    rows = [{"emailAddress": "dat@x.de", "primary": True}]
    answer = await caller.put(record, emailAddress="str@x.de", emailAddressData=rows)
    assert answer.body["emailAddress"] == "dat@x.de"


async def test_an_address_is_shared_with_all_records_that_have_it(caller: Caller) -> None:
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:00"})
    one = await caller.create(lastName="Eins", emailAddress="shared@x.de")
    two = await caller.create("Contact", lastName="Zwei", emailAddress="shared@x.de")
    await caller.control("POST", "clock", {"now": "2026-05-05 10:00:05"})
    row = {"emailAddress": "Shared@X.de", "primary": True, "optOut": True}
    await caller.put(one, emailAddressData=[row])
    other = await caller.read(two, "Contact")
    assert other["emailAddressData"] == [email("Shared@X.de", primary=True, opt_out=True)]
    assert other["modifiedAt"] == "2026-05-05 10:00:00"


async def test_phone_numbers_are_normalised_and_get_the_default_type(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", phoneNumber="+49 (0)511 / 123456 ext. 12")
    row = {"phoneNumber": "+49511123456", "type": "Mobile", "primary": True, "optOut": False, "invalid": False}
    assert (await caller.read(record))["phoneNumberData"] == [row]
    data = [{"phoneNumber": "+49 511 1", "type": "Fax"}]
    assert (await caller.put(record, phoneNumberData=data)).body["phoneNumber"] == "+495111"
    refused = await caller.put(record, phoneNumberData=[{"phoneNumber": "+4951199", "type": "Brieftaube"}])
    assert (refused.status, refused.body["messageTranslation"]["data"]["type"]) == (400, "valid")


async def test_flags_of_the_primary_can_be_written_alone(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddress="a@x.de")
    await caller.put(record, emailAddressIsOptedOut=True)
    assert (await caller.read(record))["emailAddressData"] == [email("a@x.de", primary=True, opt_out=True)]
