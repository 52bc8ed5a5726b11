"""Values and records that are odd, with the real adapters between both sandboxes: what is stored, what is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from demo.remotes import Linked
from synckit.errors import SyncError
from synckit.postgres.pool import PostgresPool
from tests.e2e.rig import PERSON, Rig, rig

pytestmark = pytest.mark.stack
SMILE = "\N{GRINNING FACE}"
LONG = "n" * 200


@pytest.fixture
async def desk(postgres_pool: PostgresPool, redis_client: Redis) -> AsyncIterator[Rig]:
    async with rig(postgres_pool, redis_client) as made:
        yield made


async def synced(desk: Rig, linked: Linked) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides after a look; a second one must find nothing to do."""
    await desk.sync(linked)
    left, right = await desk.espo.record(linked.left), await desk.advo.party(linked.right)
    await desk.meter.start()
    await desk.sync(linked)
    assert (await desk.meter.cost(linked)).writes == 0, "it does not go round and round"
    return left, right


@pytest.mark.parametrize("name", [f"Groß {SMILE}", "O'Neill & Söhne", "名前", "n" * 100])
async def test_a_name_that_both_can_hold_is_the_same_on_both_sides(desk: Rig, name: str) -> None:
    left, right = await synced(desk, await desk.linked(lastName=name))
    assert (left["syncStatus"], left["lastName"], right["name"]) == ("clean", name, name)


async def test_200_characters_are_whole_where_they_fit_and_cut_nowhere(desk: Rig) -> None:
    linked = await desk.linked(briefAnrede=LONG)
    await desk.advo.change(linked.right, name=LONG[:140])
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], left["lastName"], right["name"]) == ("failed", "Probe", LONG[:140])
    assert (left["briefAnrede"], right["bAnrede"]) == (LONG, LONG)
    assert "Name" in left["syncErrorMessage"]
    assert LONG[:100] not in left["syncErrorMessage"]
    await desk.advo.change(linked.right, name=LONG[:100])
    left, _ = await synced(desk, linked)
    assert (left["syncStatus"], left["lastName"]) == ("clean", LONG[:100])


async def test_a_name_with_an_angle_bracket_is_refused_by_name_and_nothing_else_waits_for_it(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.advo.change(linked.right, name="A <B>", titel="Dr.")
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], left["lastName"], right["name"]) == ("failed", "Probe", "A <B>")
    assert left["titel"] == "Dr."
    assert "Name" in left["syncErrorMessage"]
    await desk.advo.change(linked.right, name="A B")
    left, _ = await synced(desk, linked)
    assert (left["syncStatus"], left["lastName"], left["syncErrorMessage"]) == ("clean", "A B", None)


async def test_an_answer_with_an_empty_name_empties_nothing(desk: Rig) -> None:
    linked = await desk.linked(firstName="Paula", titel="Dr.")
    await desk.advo.ask("POST", "/_sandbox/switches", {"lie": "null_fields"})
    with suppress(SyncError):
        await desk.sync(linked)
    shown = await desk.espo.record(linked.left)
    assert (shown["lastName"], shown["firstName"], shown["titel"]) == ("Probe", "Paula", "Dr.")
    await desk.advo.ask("POST", "/_sandbox/switches", {"lie": None})
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], left["titel"], right["titel"]) == ("clean", "Dr.", "Dr.")


@pytest.mark.parametrize("fields", [{"lastName": ""}, {"lastName": "   "}])
async def test_a_name_that_a_user_empties_is_asked_for_and_empties_nothing(desk: Rig, fields: dict[str, str]) -> None:
    linked = await desk.linked()
    await desk.espo.change(linked.left, **fields)
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], right["name"]) == ("failed", "Probe")
    assert "Name" in left["syncErrorMessage"]
    await desk.espo.change(linked.left, lastName="Wieder")
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], right["name"]) == ("clean", "Wieder")


async def test_a_record_without_any_name_is_failed_and_not_posted(desk: Rig) -> None:
    record_id = await desk.espo.create(rechtsform="GmbH", assignedUserId=PERSON["assignedUserId"])
    await desk.sync(record_id)
    shown = await desk.espo.record(record_id)
    assert (shown["syncStatus"], shown["betnr"]) == ("failed", None)
    assert "Name" in shown["syncErrorMessage"]
    assert await desk.advo.named("") == []


@pytest.mark.parametrize(
    ("born", "status", "stored"), [("1752-12-31", "failed", None), ("1753-01-01", "clean", "1753")]
)
async def test_a_birth_date_before_1753_is_named_and_never_sent(
    desk: Rig, born: str, status: str, stored: str | None
) -> None:
    linked = await desk.linked()
    await desk.espo.change(linked.left, dateOfBirth=born, titel="Dr.")
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], left["dateOfBirth"], right["titel"]) == (status, born, "Dr.")
    assert (right["geburtsdatum"] or "")[:4] == (stored or "")
    assert ("Geburtsdatum" in (left["syncErrorMessage"] or "")) == (status == "failed")
    assert born not in (left["syncErrorMessage"] or "")


@pytest.mark.parametrize(
    ("field", "shown", "value", "seen"),
    [("rechtsform", "rechtsform", "PartG mbB", "Sonstige"), ("anrede", "salutationName", "Eheleute", "Frau")],
)
async def test_a_choice_that_espocrm_does_not_know_stays_as_it_is_in_advoware(
    desk: Rig, field: str, shown: str, value: str, seen: str
) -> None:
    linked = await desk.linked(salutationName="Frau")
    await desk.advo.change(linked.right, **{field: value})
    left, right = await synced(desk, linked)
    assert (left["syncStatus"], left[shown], right[field]) == ("clean", seen, value)


async def test_two_records_with_one_betnr_are_both_failed_name_each_other_and_nothing_is_written(desk: Rig) -> None:
    linked = await desk.linked()
    start = await desk.advo.last_call()
    twin = await desk.espo.create(**{**PERSON, "lastName": "Zwilling"}, betnr=linked.right)
    await desk.sync(twin)
    await desk.sync(linked)
    first, second = await desk.espo.record(linked.left), await desk.espo.record(twin)
    assert (first["syncStatus"], second["syncStatus"]) == ("failed", "failed")
    assert (twin in first["syncErrorMessage"], linked.left in second["syncErrorMessage"]) == (True, True)
    assert [call for call in await desk.advo.calls(since=start) if call["method"] in ("POST", "PUT")] == []
    assert (await desk.advo.party(linked.right))["name"] == "Probe"
