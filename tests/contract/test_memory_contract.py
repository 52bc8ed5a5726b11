"""The memory of records: fake and PostgreSQL, one suite."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from recordsync.postgres.links import PostgresLinkStore
from recordsync.postgres.sweep import PostgresSweepStore
from recordsync.testing.contract_linkstore import NOON, LinkStoreContract
from recordsync.testing.contract_store_time import StoreTimeContract
from recordsync.testing.memory import FakeLinks
from synckit.ports import LinkStore, SweepStore
from synckit.postgres.pool import PostgresPool
from synckit.testing.clock import FakeClock


class TestFakeLinks(LinkStoreContract, StoreTimeContract):
    async def make_stores(self) -> tuple[LinkStore, SweepStore]:
        links = FakeLinks(clock=FakeClock(NOON + timedelta(days=1)))
        return links, links

    async def make_family(self) -> tuple[LinkStore, LinkStore, SweepStore]:
        parents = FakeLinks()
        children = FakeLinks(parents=parents)
        return parents, children, children


@pytest.mark.stack
class TestPostgresLinks(LinkStoreContract, StoreTimeContract):
    @pytest.fixture(autouse=True)
    async def _pool_of_the_test(self, postgres_pool: PostgresPool) -> None:
        self.pool = postgres_pool
        await postgres_pool.fetch("DELETE FROM cursor WHERE name = 'contract.cursor'", writes=True)

    async def make_stores(self) -> tuple[LinkStore, SweepStore]:
        entity = f"entity-{uuid.uuid4().hex}"
        return PostgresLinkStore(self.pool, entity), PostgresSweepStore(self.pool, entity)

    async def make_family(self) -> tuple[LinkStore, LinkStore, SweepStore]:
        parent, child = (f"entity-{uuid.uuid4().hex}" for _ in range(2))
        parents, children = (PostgresLinkStore(self.pool, entity) for entity in (parent, child))
        return parents, children, PostgresSweepStore(self.pool, child, parent)
