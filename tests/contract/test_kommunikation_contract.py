"""Communication by the real clients, between both sandboxes: what they store, and that a second look writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.advoware.rows import AdvowareRows
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.testing.tokens import FakeTokenCache
from recordsync import Companion, Engine, Outcome, Remotes
from recordsync.testing.memory import FakeLinks, FakeLocks
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.errors import Locked
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT

SHAPES: list[dict[str, Any]] = [{}, {"single_as_list": False, "post_row_id": False, "komm_kz_zero": False}]


class Office:
    """Both sandboxes, and the engine between them."""

    def __init__(self, espo: TestClient[Any, Any], desk: TestClient[Any, Any], clock: FakeClock) -> None:
        self.crm, self.desk = espo, desk
        self.espo = EspoClient(str(espo.make_url("")), EspoAuth(API_KEY), PATIENT)
        base = str(desk.make_url("")).rstrip("/")
        self.auth = AdvowareAuth(
            f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
        )
        self.advoware = AdvowareClient(base, self.auth, PATIENT)
        self.left = EspoStore(self.espo, "CBeteiligte")
        self.rows = AdvowareRows(self.advoware, "Kommunikationen")
        remotes = Remotes(
            left=self.left,
            right=AdvowareBeteiligteStore(self.advoware),
            links=FakeLinks(),
            locks=FakeLocks(),
            notifier=EspoNotifier(self.espo, "CBeteiligte"),
            clock=clock,
        )
        self.engine = Engine(BETEILIGTE, remotes, companion=Companion(KommunikationLists(), self.rows))
        self.id = ""

    async def makes(self, **values: Any) -> None:
        self.id = (await self.left.create({"lastName": "Probe", **values})).id
        await self.engine.sync(self.id)

    async def seeded(self, **values: Any) -> None:
        """What an older EspoCRM has stored, which this one would not take any more."""
        answer = await self.crm.post("/_sandbox/state", json={"CBeteiligte": [{"id": self.id, **values}]})
        assert answer.status < 300, await answer.text()
        await self.engine.sync(self.id)

    async def looks(self) -> Outcome:
        """And once more, which must write nothing."""
        outcome = await self.engine.sync(self.id)
        again = await self.engine.sync(self.id)
        assert (again.left_writes, again.right_writes) == (0, 0)
        return outcome

    async def record(self) -> dict[str, Any]:
        found = await self.left.read(self.id)
        assert found is not None
        return dict(found.payload)

    async def path(self) -> str:
        return f"/_sandbox/desk/beteiligte/{(await self.record())['betnr']}"

    async def stored(self) -> list[dict[str, Any]]:
        party = await (await self.desk.get(await self.path())).json()
        return list(party["kommunikation"])

    async def close(self) -> None:
        await self.espo.close()
        await self.advoware.close()
        await self.auth.close()


@pytest.fixture(params=SHAPES, ids=["as it is", "in its other shapes"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    clock = FakeClock()
    async with (
        TestClient(TestServer(build_espocrm(Settings()))) as espo,
        TestClient(TestServer(build_advoware(clock=clock.now))) as desk,
    ):
        if request.param:
            await desk.post("/_sandbox/switches", json=request.param)
        made = Office(espo, desk, clock)
        yield made
        await made.close()


async def test_addresses_and_numbers_become_rows_and_come_back_from_the_desk(office: Office) -> None:
    await office.makes(
        emailAddressData=[{"emailAddress": "Anna@Probe.de", "primary": True, "optOut": True}],
        phoneNumberData=[{"phoneNumber": "+49711111", "type": "Fax"}],
    )
    assert {(r["tlf"], r["kommKz"]) for r in await office.stored()} == {("Anna@Probe.de", 4), ("+49711111", 2)}
    await office.desk.post(f"{await office.path()}/kommunikation", json={"kommKz": 3, "tlf": "0172 / 12 34 567"})
    await office.desk.post(f"{await office.path()}/kommunikation", json={"kommKz": 4, "tlf": "info@müller.de"})
    await office.looks()
    record = await office.record()
    assert [(e["emailAddress"], e["primary"], e["optOut"]) for e in record["emailAddressData"]] == [
        ("Anna@Probe.de", True, True),
        ("info@xn--mller-kva.de", False, False),
    ]
    assert {(p["phoneNumber"], p["type"]) for p in record["phoneNumberData"]} == {
        ("+49711111", "Fax"),
        ("+491721234567", "Mobile"),
    }


async def test_a_change_is_one_put_and_a_removed_one_leaves_a_slot_for_the_next(office: Office) -> None:
    await office.makes(emailAddressData=[{"emailAddress": "a@probe.de"}, {"emailAddress": "b@probe.de"}])
    await office.left.update(
        office.id, {"emailAddressData": [{"emailAddress": "c@probe.de"}, {"emailAddress": "b@probe.de"}]}
    )
    assert (await office.looks()).right_writes == 1
    await office.left.update(office.id, {"emailAddressData": [{"emailAddress": "b@probe.de"}]})
    await office.looks()
    assert sorted(r["tlf"] for r in await office.stored()) == ["", "b@probe.de"]
    await office.left.update(
        office.id, {"emailAddressData": [{"emailAddress": "b@probe.de"}, {"emailAddress": "d@probe.de"}]}
    )
    await office.looks()
    assert sorted(r["tlf"] for r in await office.stored()) == ["b@probe.de", "d@probe.de"]


async def test_an_address_shared_with_another_record_is_no_reason_for_a_loop(office: Office) -> None:
    await office.makes(emailAddressData=[{"emailAddress": "kanzlei@probe.de"}])
    shared = [{"emailAddress": "KANZLEI@probe.de", "optOut": True}]
    await office.left.create({"lastName": "Andere", "emailAddressData": shared})
    outcome = await office.looks()
    assert (outcome.left_writes, outcome.right_writes) == (0, 0)


async def test_a_party_open_at_a_desk_is_locked_for_its_rows_too(office: Office) -> None:
    await office.makes()
    betnr = str((await office.record())["betnr"])
    await office.desk.post("/_sandbox/desk/open", json={"betNr": int(betnr)})
    with pytest.raises(Locked):
        await office.rows.write(betnr, None, {"kommKz": 4, "tlf": "a@probe.de", "bemerkung": "", "online": False})


async def test_numbers_beyond_espocrms_limit_are_named_and_the_rest_comes_over(office: Office) -> None:
    """By EspoCRM's own validation, which names the field and not the entry."""
    await office.makes()
    for n in range(12):
        typed = {"kommKz": 1, "tlf": f"0711 2000{n:02}"}
        await office.desk.post(f"{await office.path()}/kommunikation", json=typed)
    await office.desk.post(f"{await office.path()}/kommunikation", json={"kommKz": 4, "tlf": "eva@probe.de"})
    outcome = await office.looks()
    record = await office.record()
    assert (len(record["phoneNumberData"]), len(record["emailAddressData"]), outcome.result) == (10, 1, "failed")
    assert record["syncStatus"] == "failed"
    assert all(part in record["syncErrorMessage"] for part in ("Telefon", "Liste ist dort voll", "„0711 200011“"))
    await office.left.update(office.id, {"phoneNumberData": record["phoneNumberData"][2:]})
    await office.engine.sync(office.id)
    await office.looks()
    record = await office.record()
    assert (len(record["phoneNumberData"]), record["syncStatus"]) == (10, "clean")


STORED: dict[str, tuple[dict[str, Any], int, str, str, str]] = {
    "national number": (
        {"phoneNumberData": [{"phoneNumber": "0711 111", "type": "Office", "primary": True}]},
        3,
        "0172 1234567",
        "phoneNumber",
        "+491721234567",
    ),
    "umlaut domain": (
        {"emailAddressData": [{"emailAddress": "anna@müller.de", "primary": True}]},
        4,
        "info@probe.de",
        "emailAddress",
        "info@probe.de",
    ),
}


@pytest.mark.parametrize("case", STORED)
async def test_an_old_primary_bars_no_new_entry(office: Office, case: str) -> None:
    """EspoCRM looks at the primary value that it has stored, whatever the list says, unless a new one is sent."""
    stored, komm_kz, typed, name, shown = STORED[case]
    await office.makes()
    await office.seeded(**stored)
    await office.desk.post(f"{await office.path()}/kommunikation", json={"kommKz": komm_kz, "tlf": typed})
    await office.looks()
    record = await office.record()
    assert shown in {each[name] for each in record[f"{name}Data"]}, record
    assert record["syncStatus"] == "clean", record
    assert [each["primary"] for each in record[f"{name}Data"]] == [True, False]


@pytest.mark.parametrize("case", STORED)
@pytest.mark.parametrize("more", [False, True], ids=["alone", "with another"])
async def test_an_old_primary_goes_when_a_desk_empties_it(office: Office, case: str, more: bool) -> None:
    stored, komm_kz, typed, name, shown = STORED[case]
    await office.makes()
    await office.seeded(**stored)
    [row] = [each for each in await office.stored() if each["tlf"]]
    if more:
        await office.desk.post(f"{await office.path()}/kommunikation", json={"kommKz": komm_kz, "tlf": typed})
        await office.looks()
        # The list as it was written down before, with the old value once more as the primary one.
        old = stored[f"{name}Data"][0]
        await office.seeded(**{f"{name}Data": [old, {name: shown, "type": "Mobile"}]})
    await office.desk.post(f"{await office.path()}/kommunikation/{row['id']}", json={"tlf": ""})
    await office.looks()
    record = await office.record()
    assert [each[name] for each in record[f"{name}Data"]] == ([shown] if more else []), record
    assert record[name] == (shown if more else None)
    assert record["syncStatus"] == "clean", record
