"""The remotes: fakes, and the real adapters against the sandboxes, one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, ClassVar

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.testing.tokens import FakeTokenCache
from recordsync.testing.contract_remote import RemoteStoreContract, SearchableStoreContract
from recordsync.testing.remotes import FakeLeft, FakeRight
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, HMAC_API_KEY, HMAC_SECRET_KEY, Settings
from synckit.ports import Payload, RemoteStore, SearchableStore, Snapshot
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT

PARTY = ("name", "vorname", "rechtsform", "titel", "anrede", "bAnrede", "zusatz", "geburtsdatum")


class PartyPayloads:
    def new_payload(self, name: str) -> dict[str, Any]:
        return {**dict.fromkeys(PARTY, ""), "name": name, "vorname": "Anna", "geburtsdatum": None}


class TestFakeLeft(RemoteStoreContract):
    name_field = "lastName"

    async def make_store(self) -> RemoteStore:
        return FakeLeft(FakeClock(), attributes=("lastName",))

    def new_payload(self, name: str) -> dict[str, Any]:
        return {"lastName": name}


class TestFakeRight(PartyPayloads, SearchableStoreContract):
    async def make_searchable(self) -> SearchableStore:
        return FakeRight(FakeClock(), writable=PARTY)


class TestEspoStore(RemoteStoreContract):
    name_field = "lastName"
    absent_id = "5a00000000000dead"
    auth = EspoAuth(API_KEY)

    @pytest.fixture(autouse=True)
    async def _sandbox(self) -> AsyncIterator[None]:
        async with TestServer(build_espocrm(Settings())) as server:
            self.client = EspoClient(str(server.make_url("")), self.auth, PATIENT)
            yield
            await self.client.close()

    async def make_store(self) -> RemoteStore:
        return EspoStore(self.client, "CBeteiligte")

    def new_payload(self, name: str) -> dict[str, Any]:
        return {"lastName": name, "firstName": "Anna"}

    def whole(self, found: Snapshot, name: str) -> Payload:
        return {"lastName": name}


class TestEspoStoreWithHmac(TestEspoStore):
    auth = EspoAuth(HMAC_API_KEY, HMAC_SECRET_KEY)


class TestAdvowareBeteiligte(PartyPayloads, SearchableStoreContract):
    switches: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    async def _sandbox(self) -> AsyncIterator[None]:
        clock = FakeClock()
        server = TestServer(build_advoware(clock=clock.now))
        async with TestClient(server) as desk:
            if self.switches:
                await desk.post("/_sandbox/switches", json=self.switches)
            base = str(server.make_url("")).rstrip("/")
            auth = AdvowareAuth(
                f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
            )
            self.client = AdvowareClient(base, auth, PATIENT)
            yield
            await self.client.close()
            await auth.close()

    async def make_searchable(self) -> SearchableStore:
        return AdvowareBeteiligteStore(self.client)


class TestAdvowareInItsOtherShapes(TestAdvowareBeteiligte):
    """Bare objects where the sandbox answers lists, no row id after a POST."""

    switches: ClassVar[dict[str, Any]] = {"single_as_list": False, "post_row_id": False}
