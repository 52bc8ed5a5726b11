"""Rows of a party: the fake, and the real adapter against the sandbox, one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import pytest
from aiohttp.test_utils import TestClient, TestServer

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.children import AdvowareChildren
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.testing.tokens import FakeTokenCache
from recordsync.mapping.child import ChildOf
from recordsync.mapping.field import EntityMapping
from recordsync.testing.contract_remote import ChildStoreContract
from recordsync.testing.remotes import FakeRight
from recordsync.testing.rows import FakeRows
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.ports import SearchableStore
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT

PARTY = ("name", "vorname", "rechtsform", "titel", "anrede", "bAnrede", "zusatz", "geburtsdatum")


class Adressen:
    """What is special about addresses."""

    mapping: ClassVar[EntityMapping] = ADRESSEN
    taken: ClassVar[Mapping[str, str]] = {"ort": "Ulm"}
    ignored: ClassVar[Mapping[str, str]] = {"postfach": "99"}

    def new_row(self, name: str) -> dict[str, Any]:
        return {**dict.fromkeys(ADRESSEN.right_writable), "strasse": name, "bemerkung": f"EspoCRM-ID: {name.lower()}"}


class Bankverbindungen:
    """What is special about accounts: no PUT, and no second row of an IBAN."""

    mapping: ClassVar[EntityMapping] = BANKVERBINDUNGEN

    def new_row(self, name: str) -> dict[str, Any]:
        return {**dict.fromkeys(BANKVERBINDUNGEN.right_writable), "kontoinhaber": name, "iban": f"IBAN{name.upper()}"}


class FakeParties:
    mapping: ClassVar[EntityMapping]

    async def make_rows(self) -> SearchableStore:
        self.parties = FakeRight(FakeClock(), writable=PARTY)
        return FakeRows(self.mapping, self.parties, is_unique=self.mapping is BANKVERBINDUNGEN)

    async def new_party(self) -> str:
        return self.parties.seed(name="Probe")

    async def party_is_deleted(self, party: str) -> None:
        del self.parties.records[party]


class SandboxParties:
    mapping: ClassVar[EntityMapping]
    switches: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    async def _sandbox(self) -> AsyncIterator[None]:
        clock = FakeClock()
        server = TestServer(build_advoware(clock=clock.now))
        async with TestClient(server) as self.desk:
            if self.switches:
                await self.desk.post("/_sandbox/switches", json=self.switches)
            base = str(server.make_url("")).rstrip("/")
            auth = AdvowareAuth(
                f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
            )
            self.client = AdvowareClient(base, auth, PATIENT)
            yield
            await self.client.close()
            await auth.close()

    @property
    def child(self) -> ChildOf:
        assert self.mapping.child_of is not None
        return self.mapping.child_of

    async def make_rows(self) -> SearchableStore:
        return AdvowareChildren(self.client, self.mapping.right_type, self.child)

    async def new_party(self) -> str:
        made = await AdvowareBeteiligteStore(self.client).create({**dict.fromkeys(PARTY), "name": "Probe"})
        return made.id

    async def party_is_deleted(self, party: str) -> None:
        await AdvowareBeteiligteStore(self.client).delete(party)


class TestFakeAdressen(Adressen, FakeParties, ChildStoreContract):
    pass


class TestAdressen(Adressen, SandboxParties, ChildStoreContract):
    async def test_an_empty_list_of_an_outage_is_not_believed(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        made = await rows.create({**self.new_row("Hier"), "betNr": party})
        await self.desk.post("/_sandbox/switches", json={"empty_lists": True})
        with pytest.raises(RemoteUnavailable):
            await rows.read(made.id)


class TestAdressenInOtherShapes(TestAdressen):
    """Bare objects, no row id after a POST."""

    switches: ClassVar[dict[str, Any]] = {"single_as_list": False, "post_row_id": False}


class SecondRow(ChildStoreContract):
    async def test_a_second_row_of_an_iban_is_refused_with_409(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        await rows.create({**self.new_row("Doppelt"), "betNr": party})
        with pytest.raises(RemoteRejected) as refused:
            await rows.create({**self.new_row("Doppelt"), "betNr": party})
        assert refused.value.status == 409


class TestFakeBankverbindungen(Bankverbindungen, FakeParties, SecondRow):
    pass


class TestBankverbindungen(Bankverbindungen, SandboxParties, SecondRow):
    pass


class TestBankverbindungenInOtherShapes(TestBankverbindungen):
    """Bare objects, no row id after a POST, the other spelling of the party's list."""

    switches: ClassVar[dict[str, Any]] = {
        "single_as_list": False,
        "post_row_id": False,
        "bank_spelling": "bankkverbindungen",
    }
