"""Refusals and silences that follow from metadata, configuration and the name server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.espocrm_caller import Caller, Receiver, receiver, sandbox


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox(profile="office") as caller:
        yield caller


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    async with receiver() as inbox:
        yield inbox


def reason(field: str, kind: str) -> str:
    return f"Field validation failure; entityType: CBeteiligte, field: {field}, type: {kind}."


async def patch(caller: Caller, field: str, **spec: Any) -> None:
    await caller.control("POST", "metadata", {"CBeteiligte": {"fields": {field: spec}}})


def mails(count: int) -> list[dict[str, Any]]:
    return [{"emailAddress": f"m{number}@example.org"} for number in range(count)]


def phones(*numbers: str, kind: str = "Mobile") -> list[dict[str, Any]]:
    return [{"phoneNumber": number, "type": kind} for number in numbers]


async def test_the_offices_company_needs_no_last_name_and_a_bare_person_does(caller: Caller) -> None:
    assert (await caller.api("POST", "/CBeteiligte", {"firmenname": "Umzug UG"})).status == 200
    assert (await caller.api("POST", "/Contact", {"firstName": "Umzug"})).status == 400
    await patch(caller, "lastName", required=True)
    refused = await caller.api("POST", "/CBeteiligte", {"firmenname": "Zweite UG"})
    assert (refused.status, refused.reason) == (400, reason("lastName", "required"))
    assert refused.body["messageTranslation"]["data"] == {"field": "lastName", "type": "required"}


async def test_a_required_list_must_have_a_row(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddressData=mails(1))
    await patch(caller, "emailAddress", required=True)
    assert (await caller.put(record, emailAddressData=[], emailAddress=None)).reason == reason(
        "emailAddress", "required"
    )
    assert (await caller.put(record, zusatz="x")).status == 200


async def test_ten_mails_and_ten_numbers_are_the_most(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddressData=mails(10))
    assert (await caller.put(record, emailAddressData=mails(11))).reason == reason("emailAddress", "maxCount")
    numbers = [f"+49511123{number:03}" for number in range(11)]
    assert (await caller.put(record, phoneNumberData=phones(*numbers))).reason == reason("phoneNumber", "maxCount")
    assert (await caller.api("PUT", "/Settings", {"phoneNumberMaxCount": 20}, by="admin")).status == 200
    assert (await caller.put(record, phoneNumberData=phones(*numbers))).status == 200
    await patch(caller, "emailAddress", maxCount=11)
    assert (await caller.put(record, emailAddressData=mails(11))).status == 200


async def test_a_stored_national_number_is_shown_and_not_taken_back(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", phoneNumber="+495111234567")
    old = phones("0171 1234511")
    await caller.control("POST", "state", {"CBeteiligte": [{"id": record, "phoneNumberData": old}]})
    shown = (await caller.read(record))["phoneNumberData"]
    assert [row["phoneNumber"] for row in shown] == ["0171 1234511"]
    again = await caller.put(record, phoneNumberData=[*shown, *phones("+49511999")])
    assert (again.status, again.reason) == (400, reason("phoneNumber", "valid"))
    assert (await caller.put(record, zusatz="x")).status == 200
    await caller.control("POST", "settings", {"phoneNumberInternational": False})
    assert (await caller.put(record, phoneNumberData=shown)).status == 200


async def test_a_type_that_is_not_in_the_list_and_an_option_that_is_gone_are_refused(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", rechtsform="GmbH")
    await patch(caller, "phoneNumber", typeList=["Mobile"])
    fax = phones("+49511123456", kind="Fax")
    assert (await caller.put(record, phoneNumberData=fax)).reason == reason("phoneNumber", "valid")
    await patch(caller, "rechtsform", options=["", "AG"])
    assert (await caller.put(record, rechtsform="GmbH")).reason == reason("rechtsform", "valid")
    assert (await caller.read(record))["rechtsform"] == "GmbH"


async def test_the_limit_of_a_list_is_a_setting_with_its_reason(caller: Caller) -> None:
    await caller.control("POST", "settings", {"recordListMaxSizeLimit": 100})
    answer = await caller.api("GET", "/CBeteiligte?maxSize=200")
    assert (answer.status, answer.reason) == (403, "Max size should not exceed 100. Use offset and limit.")
    assert (await caller.api("GET", "/CBeteiligte?maxSize=100")).status == 200


async def listen(caller: Caller, inbox: Receiver, entity: str = "CBeteiligte") -> None:
    await caller.api("POST", "/Webhook", {"event": f"{entity}.create", "url": f"{inbox.url}/{entity}"})


async def test_a_run_sends_one_batch_a_webhook_however_many_events_it_takes(caller: Caller, inbox: Receiver) -> None:
    await caller.control("POST", "settings", {"webhookQueueEventPortionSize": 500})
    await listen(caller, inbox)
    await listen(caller, inbox, "CAdressen")
    for number in range(120):
        await caller.create(lastName=f"Nr {number}")
    await caller.create("CAdressen", name="Haus")
    sizes = []
    for _ in range(3):
        await caller.control("POST", "webhooks/run")
        sizes.append([len(request.items) for request in inbox.requests])
        inbox.requests.clear()
    assert sizes == [[50, 1], [50], [20]]
    await caller.control("POST", "settings", {"webhookBatchSize": 200})
    for number in range(150):
        await caller.create(lastName=f"Nr 2 {number}")
    await caller.control("POST", "webhooks/run")
    assert [len(request.items) for request in inbox.requests] == [150]


@pytest.mark.parametrize(("version", "failed", "sent"), [("10.0.0", 1, 0), ("9.2.7", 0, 1)])
async def test_a_refused_aaaa_loses_every_event_in_10(version: str, failed: int, sent: int, inbox: Receiver) -> None:
    async with sandbox(profile="office", version=version, dns_refuses_aaaa=True) as caller:
        await listen(caller, inbox)
        await caller.create(lastName="Probe")
        state = await caller.control("POST", "webhooks/run")
    assert (state["failed"], state["sent"], len(inbox.requests)) == (failed, sent, sent)


async def test_records_that_the_webhooks_user_may_not_read_are_not_told(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox)
    own = {"role": {"data": {"CBeteiligte": {"create": "yes", "read": "own", "edit": "own"}}}}
    await caller.control("POST", "users/advoware_sync", own)
    await caller.create(lastName="Fremd", by="anna")
    await caller.control("POST", "webhooks/run")
    assert inbox.items == []


async def test_no_webhooks_are_sent_while_the_job_is_inactive(caller: Caller, inbox: Receiver) -> None:
    jobs = (await caller.api("GET", "/ScheduledJob", by="admin")).body["list"]
    job = next(row["id"] for row in jobs if row["job"] == "ProcessWebhookQueue")
    await listen(caller, inbox)
    await caller.create(lastName="Probe")
    for status, sent in (("Inactive", 0), ("Active", 1)):
        await caller.api("PUT", f"/ScheduledJob/{job}", {"status": status}, by="admin")
        assert (await caller.control("POST", "webhooks/run"))["sent"] == sent


async def test_a_shared_address_is_erased_on_every_record_that_has_it(caller: Caller) -> None:
    one = await caller.create(lastName="Eins", emailAddress="Gemeinsam@example.org")
    two = await caller.create(lastName="Zwei", emailAddress="gemeinsam@example.org")
    body = {"entityType": "CBeteiligte", "id": one, "fieldList": ["emailAddress"]}
    assert (await caller.api("POST", "/DataPrivacy/action/erase", body)).status == 403
    assert (await caller.api("POST", "/DataPrivacy/action/erase", body, by="anna")).body is True
    first, second = await caller.read(one), await caller.read(two)
    assert first["emailAddress"] == second["emailAddress"]
    assert (first["emailAddress"][:7], first["emailAddressIsOptedOut"]) == ("ERASED:", True)
    assert first["emailAddressData"][0]["lower"] == first["emailAddress"].lower()


async def test_a_person_at_the_page_can_erase_a_record(caller: Caller) -> None:
    party = await caller.create(firstName="Eva", lastName="Muster", phoneNumber="+49511123456")
    path = f"/_page/erase/CBeteiligte/{party}"
    async with caller.client.post(path, allow_redirects=False) as answer:
        assert "fehler" not in answer.headers["Location"]
    shown = await caller.read(party)
    assert (shown["firstName"], shown["lastName"], shown["phoneNumber"][:7]) == (None, None, "ERASED:")


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("emailAddress", {"emailAddressData": mails(2)}),
        ("phoneNumber", {"phoneNumber": "+49511123456"}),
        ("adresse", {"adresseCity": "Ulm"}),
        ("beteiligte", {"beteiligteId": None}),
    ],
)
async def test_any_kind_of_field_that_is_read_only_is_left_out(
    caller: Caller, field: str, sent: dict[str, Any]
) -> None:
    kind = "CAdressen" if field in ("adresse", "beteiligte") else "CBeteiligte"
    party = await caller.create(lastName="Probe")
    record = await caller.create("CAdressen", name="Haus", beteiligteId=party) if kind == "CAdressen" else party
    await caller.control("POST", "metadata", {kind: {"fields": {field: {"readOnly": True}}}})
    before = await caller.read(record, kind)
    assert (await caller.put(record, kind, **sent)).status == 200
    after = await caller.read(record, kind)
    assert {key: after[key] for key in sent} == {key: before[key] for key in sent}


async def test_a_mass_update_passes_over_what_the_user_may_not_edit(caller: Caller) -> None:
    foreign, own = await caller.create(lastName="Fremd"), await caller.create(lastName="Eigen")
    await caller.put(own, assignedUserId=(await caller.api("GET", "/App/user")).body["user"]["id"])
    role = {"permissions": {"massUpdate": "yes"}, "data": {"CBeteiligte": {"read": "all", "edit": "own"}}}
    await caller.control("POST", "users/advoware_sync", {"role": role})
    body = {"entityType": "CBeteiligte", "action": "update", "params": {"ids": [foreign, own]}}
    answer = await caller.api("POST", "/MassAction", {**body, "data": {"zusatz": "neu"}})
    assert answer.body == {"count": 1, "ids": [own]}
