"""What an administrator does over REST: record types, fields, links, roles, users, jobs, settings, layouts."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.espocrm import settings as known
from sandbox.espocrm.auth import hmac_header
from sandbox.tests.espocrm_caller import Answer, Caller, receiver, sandbox

FIELDS = "/Admin/fieldManager/CBeteiligte"


@pytest.fixture
async def bare() -> AsyncIterator[Caller]:
    async with sandbox(profile="bare") as caller:
        yield caller


async def admin(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    answer = await caller.api(method, path, body, by="admin")
    assert answer.status == 200, answer
    return answer.body


async def entity(caller: Caller, name: str = "Beteiligte", kind: str = "Person") -> None:
    given = {"name": name, "type": kind, "stream": True, "labelSingular": name, "labelPlural": name}
    assert await admin(caller, "POST", "/EntityManager/action/createEntity", given) == {"name": f"C{name}"}


async def role(caller: Caller, data: dict[str, Any], **more: Any) -> str:
    made = await admin(caller, "POST", "/Role", {"name": "Sync", "messagePermission": "all", "data": data, **more})
    return str(made["id"])


async def api_user(caller: Caller, role_id: str, method: str = "ApiKey") -> dict[str, Any]:
    given = {"userName": "sync", "type": "api", "authMethod": method, "rolesIds": [role_id], "lastName": "Sync"}
    made: dict[str, Any] = await admin(caller, "POST", "/User", given)
    return made


ALL = {"create": "yes", "read": "all", "edit": "all", "delete": "no", "stream": "all"}


async def test_a_bare_one_has_nothing_of_the_office(bare: Caller) -> None:
    assert (await bare.api("GET", "/CBeteiligte", by="admin")).status == 404
    assert (await bare.api("GET", "/Account")).status == 401
    assert await admin(bare, "GET", "/Metadata?key=scopes.CBeteiligte") is None


async def test_everything_is_made_from_nothing_and_behaves_as_the_preset(bare: Caller) -> None:
    await entity(bare)
    await entity(bare, "Adressen", "Base")
    made = await admin(bare, "POST", FIELDS, {"name": "betnr", "label": "BetNr", "type": "int", "min": 1})
    assert made == {"type": "int", "min": 1, "isCustom": True, "label": "BetNr"}
    link = {"entity": "CBeteiligte", "link": "adressens", "entityForeign": "CAdressen", "linkForeign": "beteiligte"}
    words = {"label": "Adressen", "labelForeign": "Beteiligte", "relationName": None}
    await admin(bare, "POST", "/EntityManager/action/createLink", {**link, **words, "linkType": "oneToMany"})
    key = (await api_user(bare, await role(bare, {"CBeteiligte": ALL, "CAdressen": ALL, "Webhook": True})))["apiKey"]

    async def sync(method: str, path: str, body: Any = None) -> Answer:
        return await bare.api(method, path, body, by="nobody", X_Api_Key=key)

    async with receiver() as hooks:
        webhook = {"event": "CBeteiligte.update", "url": f"{hooks.url}/x"}
        assert (await sync("POST", "/Webhook", webhook)).status == 201
        party = (await sync("POST", "/CBeteiligte", {"lastName": "Muster", "betnr": "7"})).body["id"]
        address = (await sync("POST", "/CAdressen", {"name": "Haus", "beteiligteId": party})).body["id"]
        linked = (await sync("GET", f"/CBeteiligte/{party}/adressens")).body["list"]
        assert [row["id"] for row in linked] == [address]
        assert (await sync("PUT", f"/CBeteiligte/{party}", {"betnr": 0})).reason == (
            "Field validation failure; entityType: CBeteiligte, field: betnr, type: min."
        )
        await sync("PUT", f"/CBeteiligte/{party}", {"betnr": 8})
        assert (await sync("DELETE", f"/CBeteiligte/{party}")).reason == "No delete access."
        await bare.control("POST", "webhooks/run")
        assert [item["betnr"] for item in hooks.items] == [8]


async def test_only_administrators_administrate(bare: Caller) -> None:
    calls = [
        ("POST", "/EntityManager/action/createEntity", {"name": "X", "type": "Base"}),
        ("POST", "/Admin/fieldManager/Account", {"name": "x", "type": "varchar"}),
        ("PUT", "/Settings", {"weekStart": 0}),
        ("PUT", "/Account/layout/detail", []),
        ("POST", "/Role", {"name": "x"}),
        ("GET", "/ScheduledJob", None),
        ("POST", "/User", {"userName": "x"}),
    ]
    statuses = {path: (await bare.api(method, path, body, by="anna")).status for method, path, body in calls}
    assert set(statuses.values()) == {403}, statuses


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        ({"name": "Beteiligte"}, 400, ""),
        ({"name": "Beteiligte", "type": "Nope"}, 500, "Type 'Nope' does not exist."),
        ({"name": "Beteiligte", "type": "Base"}, 409, "Name 'CBeteiligte' is already used."),
        ({"name": "Bet eiligte", "type": "Base"}, 500, "Entity name should contain only letters and numbers,"),
    ],
)
async def test_a_record_type_that_cannot_be_made_has_its_reason(
    bare: Caller, given: dict[str, Any], status: int, reason: str
) -> None:
    await entity(bare)
    answer = await bare.api("POST", "/EntityManager/action/createEntity", given, by="admin")
    assert (answer.status, (answer.reason or "")[: len(reason)]) == (status, reason)


async def test_a_field_made_twice_is_a_conflict_in_words(bare: Caller) -> None:
    await entity(bare)
    answer = await bare.api("POST", FIELDS, {"name": "lastName", "type": "varchar"}, by="admin")
    words = {"field": "lastName", "entityType": "CBeteiligte"}
    told = {"messageTranslation": {"label": "fieldAlreadyExists", "scope": "FieldManager", "data": words}}
    assert (answer.status, answer.reason) == (409, "Field 'lastName' already exists in 'CBeteiligte'.")
    assert answer.body == told


async def test_fields_and_links_of_its_own_types_get_a_prefix(bare: Caller) -> None:
    await entity(bare, "Dokumente", "Base")
    made = await admin(bare, "POST", "/Admin/fieldManager/Account", {"name": "xaiSyncActive", "type": "bool"})
    assert made == {"notNull": True, "type": "bool", "isCustom": True, "label": "cXaiSyncActive"}
    link = {"entity": "Account", "link": "dokumentes", "entityForeign": "CDokumente", "linkForeign": "accounts"}
    words = {"label": "Dokumente", "labelForeign": "Firmen", "relationName": "cAccountDokumente"}
    await admin(bare, "POST", "/EntityManager/action/createLink", {**link, **words, "linkType": "manyToMany"})
    assert set(await admin(bare, "GET", "/Metadata?key=entityDefs.Account.links")) >= {"cDokumentes"}
    assert (await admin(bare, "GET", "/Metadata?key=entityDefs.CDokumente.links.accounts"))["foreign"] == "cDokumentes"


async def test_a_field_can_be_changed_and_the_change_is_checked(bare: Caller) -> None:
    await entity(bare)
    refused = await bare.api("POST", "/CBeteiligte", {"firstName": "Umzug UG"}, by="admin")
    assert (refused.status, refused.reason) == (
        400,
        "Field validation failure; entityType: CBeteiligte, field: lastName, type: required.",
    )
    changed = await admin(bare, "PUT", f"{FIELDS}/lastName", {"name": "lastName", "type": "varchar", "required": False})
    assert (changed["required"], changed["maxLength"], changed["label"]) == (False, 100, "Nachname")
    assert (await bare.api("POST", "/CBeteiligte", {"firstName": "Umzug UG"}, by="admin")).status == 200
    await admin(bare, "PUT", f"{FIELDS}/salutationName", {"type": "enum", "options": ["", "Herr"]})
    assert (await bare.api("POST", "/CBeteiligte", {"salutationName": "Mrs."}, by="admin")).status == 400
    await admin(bare, "POST", FIELDS, {"name": "zusatz", "type": "varchar"})
    assert await admin(bare, "DELETE", f"{FIELDS}/zusatz") is True
    assert (await bare.api("GET", f"{FIELDS}/zusatz", by="admin")).status == 500


async def test_a_user_with_hmac_is_given_a_secret_and_signs_with_it(bare: Caller) -> None:
    await entity(bare)
    user = await api_user(bare, await role(bare, {"CBeteiligte": ALL}), "Hmac")
    signed = hmac_header(user["apiKey"], user["secretKey"], "GET", "/CBeteiligte")
    assert (await bare.api("GET", "/CBeteiligte", by="nobody", X_Hmac_Authorization=signed)).status == 200
    assert (await admin(bare, "GET", f"/User/{user['id']}"))["secretKey"] == user["secretKey"]
    twice = await bare.api("POST", "/User", {"userName": "sync", "type": "api"}, by="admin")
    assert (twice.status, twice.reason) == (409, "userNameExists")


async def test_a_key_can_be_made_anew_and_a_user_stopped(bare: Caller) -> None:
    await entity(bare)
    user = await api_user(bare, await role(bare, {"CBeteiligte": ALL}))
    fresh = (await admin(bare, "POST", "/UserSecurity/apiKey/generate", {"id": user["id"]}))["apiKey"]
    statuses = [
        (await bare.api("GET", "/CBeteiligte", by="nobody", X_Api_Key=key)).status for key in (user["apiKey"], fresh)
    ]
    assert statuses == [401, 200]
    await admin(bare, "PUT", f"/User/{user['id']}", {"isActive": False})
    assert (await bare.api("GET", "/CBeteiligte", by="nobody", X_Api_Key=fresh)).status == 401


async def test_a_person_logs_in_with_the_password_given(bare: Caller) -> None:
    given = {"userName": "ben", "type": "regular", "firstName": "Ben", "lastName": "Beispiel", "password": "geheim"}
    made = await admin(bare, "POST", "/User", {**given, "passwordConfirm": "geheim"})
    assert (made["name"], "password" in made) == ("Ben Beispiel", False)
    token = "Basic " + base64.b64encode(b"ben:geheim").decode()
    mine = await bare.api("GET", "/App/user", by="nobody", Authorization=token)
    assert (mine.body["user"]["userName"], "apiKey" in mine.body["user"]) == ("ben", False)


@pytest.mark.parametrize(("level", "status"), [("all", 200), ("team", 403), ("own", 403), (None, 403)])
async def test_notes_to_users_need_to_read_all_users(bare: Caller, level: str | None, status: int) -> None:
    data = {} if level is None else {"User": {"read": level}}
    key = (await api_user(bare, await role(bare, data)))["apiKey"]
    note = {"type": "Post", "targetType": "users", "usersIds": [known.OFFICE_USER_ID], "post": "x"}
    answer = await bare.api("POST", "/Note", note, by="nobody", X_Api_Key=key)
    assert answer.status == status
    if status == 403:
        assert answer.reason == "No foreign record access for link operation (Note:users)."
        assert answer.body["messageTranslation"]["label"] == "cannotRelateForbidden"


async def test_a_field_that_may_not_be_edited_is_left_out_and_shown(bare: Caller) -> None:
    await entity(bare)
    await admin(bare, "POST", FIELDS, {"name": "zusatz", "type": "varchar"})
    await admin(bare, "POST", FIELDS, {"name": "titel", "type": "varchar", "readOnly": True})
    fields = {"CBeteiligte": {"zusatz": {"read": "yes", "edit": "no"}, "description": {"read": "no", "edit": "no"}}}
    key = (await api_user(bare, await role(bare, {"CBeteiligte": ALL}, fieldData=fields)))["apiKey"]
    record = (await admin(bare, "POST", "/CBeteiligte", {"lastName": "Recht", "zusatz": "alt"}))["id"]
    given = {"zusatz": "neu", "titel": "Dr.", "description": "x"}
    answer = await bare.api("PUT", f"/CBeteiligte/{record}", given, by="nobody", X_Api_Key=key)
    assert (answer.status, answer.body["zusatz"], answer.body["titel"]) == (200, "alt", None)
    assert "description" not in answer.body
    seen = await bare.api("GET", "/Metadata?key=entityDefs.CBeteiligte.fields", by="nobody", X_Api_Key=key)
    assert {"zusatz", "titel"} <= set(seen.body)
    assert "description" not in seen.body


async def test_a_role_that_is_changed_holds_at_once(bare: Caller) -> None:
    await entity(bare)
    role_id = await role(bare, {"CBeteiligte": {"read": "no"}})
    key = (await api_user(bare, role_id))["apiKey"]
    assert (await bare.api("GET", "/CBeteiligte", by="nobody", X_Api_Key=key)).reason == "No read access."
    assert (await bare.api("GET", "/Metadata?key=scopes.CBeteiligte", by="nobody", X_Api_Key=key)).body is None
    await admin(bare, "PUT", f"/Role/{role_id}", {"data": {"CBeteiligte": {"read": "own"}}})
    await admin(bare, "POST", "/CBeteiligte", {"lastName": "Fremd"})
    listed = await bare.api("GET", "/CBeteiligte", by="nobody", X_Api_Key=key)
    assert (listed.status, listed.body["total"]) == (200, 0)


async def test_the_job_the_settings_and_layouts_can_be_set(bare: Caller) -> None:
    jobs = (await admin(bare, "GET", "/ScheduledJob"))["list"]
    job = next(row for row in jobs if row["job"] == "ProcessWebhookQueue")
    assert job["scheduling"] == "*/2 * * * *"
    path = f"/ScheduledJob/{job['id']}"
    assert (await admin(bare, "PUT", path, {"scheduling": "* * * * *"}))["scheduling"] == "* * * * *"
    assert (await bare.api("PUT", path, {"scheduling": "often"}, by="admin")).status == 400
    settings = await admin(bare, "PUT", "/Settings", {"weekStart": 0, "webhookBatchSize": 200})
    assert (settings["weekStart"], "webhookBatchSize" in settings) == (0, False)
    await entity(bare)
    layout = [{"label": "Advoware", "rows": [[{"name": "betnr"}, False]]}]
    assert await admin(bare, "PUT", "/CBeteiligte/layout/detail", layout) == layout
    assert await admin(bare, "GET", "/CBeteiligte/layout/detail") == layout
    assert (await bare.api("GET", "/CBeteiligte/layout/nope", by="admin")).status == 404


async def test_erased_data_is_told_like_any_change(bare: Caller) -> None:
    await entity(bare)
    given = {"firstName": "Eva", "lastName": "Muster", "emailAddress": "eva@x.de", "phoneNumber": "+49511123456"}
    party = (await admin(bare, "POST", "/CBeteiligte", given))["id"]
    async with receiver() as hooks:
        assert (
            await bare.api("POST", "/Webhook", {"event": "CBeteiligte.update", "url": f"{hooks.url}/x"}, by="admin")
        ).status == 201
        erase = {"entityType": "CBeteiligte", "id": party, "fieldList": ["name", "emailAddress", "phoneNumber"]}
        assert await admin(bare, "POST", "/DataPrivacy/action/erase", erase) is True
        await bare.control("POST", "webhooks/run")
        shown = await admin(bare, "GET", f"/CBeteiligte/{party}")
        assert [item["id"] for item in hooks.items] == [party]
        assert hooks.items[0]["emailAddress"] == shown["emailAddress"]
    assert (shown["firstName"], shown["lastName"], shown["name"]) == (None, None, None)
    assert shown["emailAddress"].startswith("ERASED:")
    assert [row["phoneNumber"][:7] for row in shown["phoneNumberData"]] == ["ERASED:"]
    assert (await bare.api("POST", "/DataPrivacy/action/erase", {**erase, "id": "x"}, by="admin")).status == 404


async def test_a_file_field_made_by_an_administrator_holds_files(bare: Caller) -> None:
    await entity(bare, "Dokumente", "Base")
    await admin(bare, "POST", "/Admin/fieldManager/CDokumente", {"name": "file", "type": "file", "accept": []})
    content = "data:text/plain;base64," + base64.b64encode(b"Hallo").decode()
    upload = {"name": "a.txt", "type": "text/plain", "relatedType": "CDokumente", "field": "file", "file": content}
    file_id = (await admin(bare, "POST", "/Attachment", upload))["id"]
    made = await admin(bare, "POST", "/CDokumente", {"name": "Brief", "fileId": file_id})
    assert (made["fileId"], made["fileName"]) == (file_id, "a.txt")


async def test_a_stream_is_read_only_with_the_right_to_it(bare: Caller) -> None:
    await entity(bare)
    key = (await api_user(bare, await role(bare, {"CBeteiligte": {**ALL, "stream": "no"}})))["apiKey"]
    record = (await admin(bare, "POST", "/CBeteiligte", {"lastName": "Probe"}))["id"]
    answer = await bare.api("GET", f"/CBeteiligte/{record}/stream", by="nobody", X_Api_Key=key)
    assert (answer.status, answer.reason) == (403, "No stream access.")
    post = {"type": "Post", "parentType": "CBeteiligte", "parentId": record, "post": "x"}
    assert (await bare.api("POST", "/Note", post, by="nobody", X_Api_Key=key)).status == 200
