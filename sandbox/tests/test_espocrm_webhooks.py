"""Webhooks: what fires and what is in it, signatures, batches, the queue, retries and drops."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.espocrm.phpjson import dumps
from sandbox.espocrm.signature import signatures
from sandbox.tests.espocrm_caller import Caller, Receiver, receiver, sandbox


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox(fail_attempt_period=0.0) as caller:
        yield caller


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    async with receiver() as inbox:
        yield inbox


async def listen(caller: Caller, inbox: Receiver, event: str, *, by: str = "api", **more: Any) -> dict[str, Any]:
    given = {"event": f"CBeteiligte.{event}", "url": f"{inbox.url}/{event}", **more}
    answer = await caller.api("POST", "/Webhook", given, by=by)
    assert answer.status == 201, answer
    created: dict[str, Any] = answer.body
    return created


async def run(caller: Caller, times: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(times):
        found = await caller.control("POST", "webhooks/run")
    return found


@given(
    webhook=st.text(alphabet="0123456789abcdef", min_size=1, max_size=17),
    key=st.text(alphabet="0123456789abcdef", min_size=32, max_size=32),
    items=st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.integers() | st.booleans()), max_size=5),
)
def test_both_signatures_of_any_body_verify_and_no_changed_byte_does(
    webhook: str, key: str, items: list[dict[str, Any]]
) -> None:
    body = dumps(items).encode()
    assert body.isascii()
    assert json.loads(body) == items
    found = signatures(webhook, key, body)
    expected = hmac.new(key.encode(), body, hashlib.sha256)
    name, _, digest = base64.b64decode(found["Signature"]).partition(b":")
    assert (name.decode(), digest.decode()) == (webhook, expected.hexdigest())
    assert base64.b64decode(found["X-Signature"]) == webhook.encode() + b":" + expected.digest()
    assert signatures(webhook, key, body + b" ") != found


async def test_a_request_is_signed_with_the_secret_of_its_webhook(caller: Caller, inbox: Receiver) -> None:
    webhook = await listen(caller, inbox, "create")
    await caller.create(firstName="Ida", lastName="Müller / Söhne 😀", by="anna")
    await run(caller)
    [request] = inbox.requests
    expected = signatures(webhook["id"], webhook["secretKey"], request.body)
    assert request.headers["signature"] == expected["Signature"]
    assert request.headers["x-signature"] == expected["X-Signature"]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "GuzzleHttp/7"
    assert rb"M\u00fcller \/ S\u00f6hne \ud83d\ude00" in request.body


async def test_9_2_sends_accept_and_no_user_agent(inbox: Receiver) -> None:
    async with sandbox(version="9.2.7") as caller:
        await listen(caller, inbox, "create")
        await caller.create(lastName="Probe")
        await run(caller)
    [request] = inbox.requests
    assert (request.headers["accept"], "user-agent" in request.headers) == ("*/*", False)


async def test_a_create_carries_what_was_set_and_nothing_else(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox, "create")
    await caller.create(lastName="Probe", emailAddressData=[{"emailAddress": "a@x.de", "primary": True}])
    await run(caller)
    [item] = inbox.items
    absent = {"name", "firmenname", "modifiedById", "createdByName", "kontakteIds", "phoneNumberData"}
    assert not absent & set(item)
    assert item["emailAddressData"] == [{"emailAddress": "a@x.de", "primary": True}]
    assert (item["emailAddress"], item["deleted"], item["isFollowed"]) == ("a@x.de", False, False)


async def test_an_update_carries_what_changed_and_the_modifier_only_when_he_is_another(
    caller: Caller, inbox: Receiver
) -> None:
    await listen(caller, inbox, "update")
    record = await caller.create(lastName="Probe", firmenname="Alt")
    for by, body in (("api", {"firmenname": None}), ("api", {"betnr": 2}), ("anna", {"betnr": 3}), ("anna", {})):
        await caller.api("PUT", f"/CBeteiligte/{record}", body, by=by)
    await run(caller)
    modifiers = [item.get("modifiedByName") for item in inbox.items]
    assert modifiers == ["advoware_sync", None, "Anna Anwältin"]
    told = [{key: item[key] for key in item if key not in ("modifiedById", "modifiedByName")} for item in inbox.items]
    assert told == [{"firmenname": None, "id": record}, {"betnr": 2, "id": record}, {"betnr": 3, "id": record}]


async def test_a_write_that_changes_nothing_fires_only_for_a_new_modifier(caller: Caller, inbox: Receiver) -> None:
    record = await caller.create(lastName="Probe", betnr=1)
    await caller.put(record, betnr=1)
    await listen(caller, inbox, "update")
    await caller.put(record, betnr=1)
    await caller.api("PUT", f"/CBeteiligte/{record}", {"betnr": 1}, by="anna")
    await run(caller)
    assert [set(item) for item in inbox.items] == [{"modifiedById", "modifiedByName", "id"}]


async def test_field_updates_carry_the_whole_field_and_are_not_fired_on_create(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox, "fieldUpdate.name")
    record = await caller.create(firstName="A", lastName="Hook")
    await caller.put(record, firstName="B")
    await caller.put(record, betnr=9)
    await run(caller)
    name = {"salutationName": None, "firstName": "B", "lastName": "Hook", "middleName": None, "name": "B Hook"}
    assert inbox.items == [{"id": record, **name}]


async def test_changed_links_bring_their_names_and_a_delete_only_the_id(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox, "update")
    await listen(caller, inbox, "delete")
    contact = await caller.create("Contact", lastName="Kontakt")
    account = await caller.create("Account", name="Firma")
    record = await caller.create(lastName="Probe")
    await caller.put(record)
    await caller.put(record, kontakteIds=[contact])
    await caller.put(record, firmaId=account)
    await caller.api("DELETE", f"/CBeteiligte/{record}")
    await run(caller)
    assert {"kontakteIds": [contact], "kontakteNames": {contact: "Kontakt"}, "id": record} in inbox.items
    assert {"firmaId": account, "firmaName": "Firma", "id": record} in inbox.items
    assert [request.items for request in inbox.requests if request.path == "/delete"] == [[{"id": record}]]


async def test_link_endpoints_and_shared_addresses_fire_nothing(caller: Caller, inbox: Receiver) -> None:
    contact = await caller.create("Contact", lastName="Kontakt", emailAddress="s@x.de")
    record = await caller.create(lastName="Probe", emailAddress="s@x.de")
    await listen(caller, inbox, "update")
    row = {"emailAddress": "S@x.de", "primary": True, "optOut": True}
    await caller.put(contact, "Contact", emailAddressData=[row])
    before = (await caller.read(record))["modifiedAt"]
    assert (await caller.api("POST", f"/CBeteiligte/{record}/kontakte", {"id": contact})).body is True
    state = await run(caller)
    assert (inbox.requests, state["sent"]) == ([], 0)
    assert (await caller.read(record))["modifiedAt"] == before


async def test_batches_hold_fifty_and_a_run_takes_twenty_events(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox, "create")
    for number in range(70):
        await caller.create(lastName=f"Nr {number}")
    assert (await run(caller))["events_pending"] == 50
    assert [len(request.items) for request in inbox.requests] == [20]
    await caller.control("POST", "settings", {"event_portion": 100})
    await caller.create(lastName="Nr 70")
    await run(caller)
    assert [len(request.items) for request in inbox.requests] == [20, 50]
    await run(caller)
    assert [item["lastName"] for item in inbox.items] == [f"Nr {number}" for number in range(71)]


async def test_skip_own_leaves_out_only_what_the_same_user_did(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox, "create", skipOwn=True)
    await caller.create(lastName="Eigen")
    await caller.create(lastName="Fremd", by="anna")
    await run(caller)
    assert [item["lastName"] for item in inbox.items] == ["Fremd"]
    admins = await listen(caller, inbox, "create", by="admin", skipOwn=True)
    assert admins["skipOwn"] is False


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500, 503])
async def test_a_status_that_is_retried_gets_four_attempts(caller: Caller, inbox: Receiver, status: int) -> None:
    await listen(caller, inbox, "create")
    inbox.statuses = [status] * 9
    await caller.create(lastName="Probe")
    state = await run(caller, 6)
    assert (len(inbox.requests), state["failed"], state["queue_pending"]) == (4, 1, 0)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 429, 502, 504])
async def test_any_other_status_loses_the_event_at_once(caller: Caller, inbox: Receiver, status: int) -> None:
    await listen(caller, inbox, "create")
    inbox.statuses = [status]
    await caller.create(lastName="Probe")
    state = await run(caller, 2)
    assert (len(inbox.requests), state["failed"], state["queue_pending"]) == (1, 1, 0)


async def test_410_deletes_the_webhook_and_what_waits_for_it(caller: Caller, inbox: Receiver) -> None:
    webhook = await listen(caller, inbox, "create")
    inbox.statuses = [410]
    await caller.create(lastName="Probe")
    state = await run(caller)
    assert (state["dropped"], state["failed"]) == (1, 0)
    assert (await caller.api("GET", f"/Webhook/{webhook['id']}")).status == 404


async def test_a_closed_port_loses_the_event_in_10_and_is_retried_in_9() -> None:
    for version, failed in (("10.0.0", 1), ("9.2.7", 0)):
        async with receiver() as gone:
            pass
        async with sandbox(version=version, fail_attempt_period=0.0) as caller:
            await listen(caller, gone, "create")
            await caller.create(lastName="Probe")
            assert (await run(caller))["failed"] == failed


async def test_a_redirect_to_http_is_a_failure_in_10_and_a_success_in_9(inbox: Receiver) -> None:
    inbox.headers = {"Location": "http://elsewhere.example/"}
    for version, outcome in (("10.0.0", "failed"), ("9.2.7", "sent")):
        inbox.statuses = [302]
        async with sandbox(version=version) as caller:
            await listen(caller, inbox, "create")
            await caller.create(lastName="Probe")
            assert (await run(caller))[outcome] == 1


async def test_newer_events_overtake_a_batch_that_waits_for_its_retry(caller: Caller, inbox: Receiver) -> None:
    await caller.control("POST", "settings", {"fail_attempt_period": 3600})
    await listen(caller, inbox, "create")
    inbox.statuses = [503]
    await caller.create(lastName="Erster")
    await run(caller)
    await caller.create(lastName="Zweiter")
    await run(caller)
    await caller.control("POST", "settings", {"fail_attempt_period": 0})
    assert [request.items[0]["lastName"] for request in inbox.requests] == ["Erster", "Zweiter"]


async def test_what_waits_for_an_inactive_webhook_is_dropped(caller: Caller, inbox: Receiver) -> None:
    webhook = await listen(caller, inbox, "create")
    inbox.statuses = [503]
    await caller.create(lastName="Probe")
    await run(caller)
    await caller.put(webhook["id"], "Webhook", isActive=False)
    await caller.create(lastName="Danach")
    state = await run(caller)
    assert (state["dropped"], state["queue_pending"], state["events_pending"]) == (1, 0, 0)


async def test_a_literal_ip_can_be_made_to_abort_the_job_as_in_10(caller: Caller, inbox: Receiver) -> None:
    await caller.control("POST", "settings", {"literal_ip_aborts_job": True})
    await listen(caller, inbox, "create")
    await caller.create(lastName="Probe")
    state = await run(caller, 3)
    assert (inbox.requests, state["queue_pending"]) == ([], 1)


async def test_fields_hidden_from_the_webhooks_user_are_cut_and_the_item_still_comes(
    caller: Caller, inbox: Receiver
) -> None:
    record = await caller.create(lastName="Probe")
    await caller.put(record)
    await listen(caller, inbox, "update")
    await caller.control("POST", "users/advoware_sync", {"role": {"hidden": {"CBeteiligte": ["betnr"]}}})
    await caller.api("PUT", f"/CBeteiligte/{record}", {"betnr": 4}, by="anna")
    await run(caller)
    assert [set(item) for item in inbox.items] == [{"modifiedById", "modifiedByName", "id"}]


async def test_a_mass_update_fires_for_each_record_without_the_modifiers_name(caller: Caller, inbox: Receiver) -> None:
    ids = [await caller.create(lastName=f"Nr {number}") for number in range(2)]
    await listen(caller, inbox, "update")
    body = {"entityType": "CBeteiligte", "action": "update", "params": {"ids": ids}}
    refused = await caller.api("POST", "/MassAction", {**body, "data": {"values": {"betnr": 3}}})
    assert (refused.status, refused.reason) == (403, "No mass-update permission.")
    done = await caller.api("POST", "/MassAction", {**body, "data": {"values": {"salutation": "Frau"}}}, by="admin")
    assert done.body == {"count": 2, "ids": ids}
    await run(caller)
    assert [set(item) for item in inbox.items] == [{"salutation", "modifiedById", "id"}] * 2


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("CBeteiligte", "Not supported event."),
        ("CBeteiligte.vanish", "Not supported event."),
        ("User.create", "Entity type is not available for Webhooks."),
        ("CBeteiligte.fieldUpdate.nope", "Field does not exist."),
        ("Lead.create", "Entity type is forbidden."),
    ],
)
async def test_an_event_that_does_not_exist_is_refused(caller: Caller, event: str, reason: str) -> None:
    answer = await caller.api("POST", "/Webhook", {"event": event, "url": "http://x.example/"})
    assert (answer.status, answer.reason) == (403, reason)


async def test_webhooks_belong_to_their_api_user(caller: Caller, inbox: Receiver) -> None:
    webhook = await listen(caller, inbox, "create")
    listed = await caller.api("GET", "/Webhook")
    assert [(row["id"], row["secretKey"]) for row in listed.body["list"]] == [(webhook["id"], webhook["secretKey"])]
    assert not {"userId", "userName"} & set(listed.body["list"][0])
    assert (await caller.api("POST", "/Webhook", {}, by="anna")).reason == "No create access."
    await caller.put(webhook["id"], "Webhook", event="CBeteiligte.update")
    assert (await caller.read(webhook["id"], "Webhook"))["event"] == "CBeteiligte.create"


async def test_internal_hosts_are_refused_once_an_allow_list_is_set(caller: Caller) -> None:
    await caller.control("POST", "settings", {"allowed_addresses": ["127.0.0.1:8080"]})
    body = {"event": "CBeteiligte.create", "url": "http://127.0.0.1:9999/"}
    refused = await caller.api("POST", "/Webhook", body)
    assert refused.body["messageTranslation"]["data"] == {"field": "url", "type": "notInternal"}
    assert (await caller.api("POST", "/Webhook", {**body, "url": "http://127.0.0.1:8080/"})).status == 201


async def test_the_job_runs_by_itself_on_its_interval_and_can_be_switched_off(inbox: Receiver) -> None:
    async with sandbox(dispatch_interval=0.01) as caller:
        await listen(caller, inbox, "create")
        await caller.create(lastName="Probe")
        async for state in states(caller):
            if state["sent"]:
                break
        await caller.control("POST", "webhooks", {"enabled": False})
        await caller.create(lastName="Verloren")
        async for state in states(caller, 20):
            assert state["sent"] == 1
        assert (await caller.control("GET", "webhooks"))["events_pending"] == 1
    assert [item["lastName"] for item in inbox.items] == ["Probe"]


async def states(caller: Caller, limit: int = 2000) -> AsyncIterator[dict[str, Any]]:
    """The queue, asked again and again."""
    for _ in range(limit):
        yield await caller.control("GET", "webhooks")
