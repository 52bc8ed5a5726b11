"""From a bare EspoCRM to the first synced record; and what is synced where a field or an option is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.espocrm.target import BETEILIGTE as DECLARED
from kanzlei.espocrm.target import PARTY_STATES
from kanzlei.testing.tokens import FakeTokenCache
from recordsync import Engine, Outcome, Remotes
from recordsync.testing.memory import FakeLinks, FakeLocks
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT
from tests.installation.conftest import Crm

PERSON = {"firstName": "Paula", "lastName": "Probe", "zusatz": "c/o Amt", "titel": "Dr."}
SYNCED = sorted(
    spec.name
    for spec in DECLARED.fields
    if not spec.built_in and spec.name not in ("betnr", "syncStatus", "rechtsform")
)
"""Fields of ours whose absence must not stop the others; without the link or the state nothing can be synced."""


@dataclass(slots=True)
class Between:
    """The engine between an installed EspoCRM and Advoware."""

    crm: Crm
    engine: Engine
    advoware: TestClient[Any, Any]
    clock: FakeClock

    async def create(self, **values: Any) -> str:
        made = await self.crm.as_admin("POST", "/CBeteiligte", values)
        return str(made["id"])

    async def record(self, record_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.crm.as_admin("GET", f"/CBeteiligte/{record_id}")
        return found

    async def desk(self, number: int, **values: Any) -> dict[str, Any]:
        """What a desk shows; with values, after it has changed them."""
        path = f"/_sandbox/desk/beteiligte/{number}"
        answer = await (self.advoware.post(path, json=values) if values else self.advoware.get(path))
        assert answer.status < 300, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found

    async def sync(self, record_id: str) -> Outcome:
        self.clock.advance(60)
        return await self.engine.sync(record_id)


@pytest.fixture
async def between(bare: Crm, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Between]:
    assert await bare.install("--yes") == 0, capsys.readouterr()
    clock = FakeClock(datetime.now(UTC))
    async with AsyncExitStack() as stack:
        advoware = await stack.enter_async_context(TestClient(TestServer(build_advoware(clock=clock.now))))
        url = str(advoware.make_url("")).rstrip("/")
        login = AdvowareLogin(**asdict(DEFAULT))
        auth = AdvowareAuth(f"{url}/api/v1/Token", login, FakeTokenCache(clock), clock, PATIENT)
        parties = AdvowareClient(url, auth, PATIENT)
        client = EspoClient(bare.url, EspoAuth(bare.keys()["ESPOCRM_API_KEY"]), PATIENT)
        for each in (auth, parties, client):
            stack.push_async_callback(each.close)
        left = EspoStore(client, BETEILIGTE.left_type)
        notifier = EspoNotifier(client, BETEILIGTE.left_type)
        links = FakeLinks(clock=clock)
        remotes = Remotes(left, AdvowareBeteiligteStore(parties), links, FakeLocks(), notifier, clock)
        yield Between(bare, Engine(BETEILIGTE, remotes), advoware, clock)


async def test_one_command_and_the_first_record_is_synced(between: Between) -> None:
    record_id = await between.create(**PERSON)
    assert (await between.record(record_id))["syncStatus"] == "pending_sync"
    assert (await between.sync(record_id)).result == "created"
    seen = await between.record(record_id)
    assert (seen["syncStatus"], seen["syncErrorMessage"]) == ("clean", None)
    party = await between.desk(seen["betnr"])
    assert (party["name"], party["vorname"], party["zusatz"]) == ("Probe", "Paula", "c/o Amt")
    await between.desk(seen["betnr"], vorname="Pauline")
    assert (await between.sync(record_id)).result == "updated"
    assert (await between.record(record_id))["firstName"] == "Pauline"


async def test_a_company_needs_no_surname(between: Between) -> None:
    record_id = await between.create(firmenname="Umzug UG", rechtsform="UG")
    assert (await between.sync(record_id)).result == "created"
    seen = await between.record(record_id)
    assert (await between.desk(seen["betnr"]))["name"] == "Umzug UG"


@pytest.mark.parametrize("name", SYNCED)
async def test_a_missing_field_is_left_out(between: Between, name: str) -> None:
    """Before the first look and after it: the other fields go both ways, the state is shown."""
    await between.crm.as_admin("DELETE", f"/Admin/fieldManager/CBeteiligte/{name}")
    record_id = await between.create(**PERSON)
    assert (await between.sync(record_id)).result == "created"
    seen = await between.record(record_id)
    assert (seen["syncStatus"], name in seen) == ("clean", False)
    await between.desk(seen["betnr"], vorname="Pauline")
    assert (await between.sync(record_id)).result == "updated"
    assert (await between.record(record_id))["firstName"] == "Pauline"


async def test_a_field_that_comes_back_is_synced_again(between: Between, capsys: pytest.CaptureFixture[str]) -> None:
    """What a desk wrote meanwhile arrives; what stood there was not emptied."""
    record_id = await between.create(**PERSON)
    await between.sync(record_id)
    number = (await between.record(record_id))["betnr"]
    await between.crm.as_admin("DELETE", "/Admin/fieldManager/CBeteiligte/titel")
    await between.desk(number, titel="Prof. Dr.", vorname="Pauline")
    assert (await between.sync(record_id)).result == "updated"
    assert (await between.desk(number))["titel"] == "Prof. Dr."
    assert await between.crm.install("--yes") == 0, capsys.readouterr()
    assert (await between.desk(number))["titel"] == "Prof. Dr."


async def without_option(between: Between, state: str) -> None:
    """Somebody has taken a state out of the field's options in Entity Manager."""
    field = "/Admin/fieldManager/CBeteiligte/syncStatus"
    defined = await between.crm.as_admin("GET", field)
    options = [each for each in defined["options"] if each != state]
    default = None if defined.get("default") == state else defined.get("default")
    await between.crm.as_admin("PUT", field, {**defined, "options": options, "default": default})


@pytest.mark.parametrize("state", PARTY_STATES)
async def test_a_missing_option_costs_the_state_alone(between: Between, state: str) -> None:
    """Link and values arrive on both sides; the state that can't be shown is left out, and told at the record."""
    await without_option(between, state)
    record_id = await between.create(**PERSON)
    await between.sync(record_id)
    seen = await between.record(record_id)
    assert seen["betnr"], seen
    assert (await between.desk(seen["betnr"], vorname="Pauline"))["zusatz"] == "c/o Amt"
    await between.sync(record_id)
    seen = await between.record(record_id)
    assert seen["firstName"] == "Pauline", seen
    if state == "clean":
        assert (seen["syncStatus"], "„clean“" in seen["syncErrorMessage"]) == ("failed", True), seen
    else:
        assert (seen["syncStatus"], seen["syncErrorMessage"]) == ("clean", None)
    for _ in range(3):
        assert (await between.sync(record_id)).left_writes == 0


async def test_two_missing_options_cost_the_state_alone(between: Between) -> None:
    """Neither what is nor what stands for it can be shown; it is tried twice, and not again until tomorrow."""
    await without_option(between, "clean")
    await without_option(between, "failed")
    record_id = await between.create(**PERSON)
    await between.sync(record_id)
    seen = await between.record(record_id)
    assert (await between.desk(seen["betnr"], vorname="Pauline"))["zusatz"] == "c/o Amt"
    await between.sync(record_id)
    assert (await between.record(record_id))["firstName"] == "Pauline"
    for _ in range(3):
        outcome = await between.sync(record_id)
        assert (outcome.left_writes, len(outcome.refused)) == (0, 0)


async def test_a_failure_that_has_no_option_is_told(between: Between) -> None:
    """Without `failed` the message alone says that Advoware has not taken it."""
    await without_option(between, "failed")
    record_id = await between.create(firstName="Paula")
    assert (await between.sync(record_id)).result == "failed"
    assert "Name: darf nicht leer sein" in (await between.record(record_id))["syncErrorMessage"]
