"""The engine with its real adapters between two sandboxes of this process, on the real PostgreSQL and Redis.

`Meter` counts by the sandboxes' call logs, here and on the whole stack alike.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.handlers import SyncHandler
from demo.remotes import USER_ID, Advoware, EspoCrm, Linked
from demo.wait import until
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.testing.tokens import FakeTokenCache
from recordsync import Engine, EngineSettings, Outcome, Remotes
from recordsync.postgres.brake import PostgresBrake
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, API_USER_NAME, Settings
from synckit.clock import SystemClock
from synckit.http.wiring import Wiring
from synckit.ports import LinkStore
from synckit.postgres.pool import PostgresPool
from synckit.redis.locks import RedisLocks
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT
from synckit.testing.worker import BuriedLetters, Partition
from synckit.worker import KeyedExecutor, Limits
from synckit.worker.delivery import Delivery
from tests.e2e.budgets import Budget
from tests.staged_store import StagedLinkStore

PERSON = {"firstName": "Paula", "lastName": "Probe", "assignedUserId": USER_ID}
READS = ("GET", "HEAD")


class Meter:
    """What was asked of the remotes about one record since `start`."""

    def __init__(self, espo: EspoCrm, advo: Advoware) -> None:
        self._espo, self._advo = espo, advo
        self._left = self._right = 0
        self._notes: set[str] = set()

    async def start(self) -> None:
        self._left, self._right = await self._espo.last_call(), await self._advo.last_call()
        self._notes = {str(note["id"]) for note in await self._espo.notes()}

    async def cost(self, *records: Linked) -> Budget:
        """Of these records, and the notes to their user."""
        calls: list[dict[str, Any]] = []
        for linked in records:
            calls += await self._espo.calls(caller=self._espo.api_user, record=linked.left, since=self._left)
            calls += await self._advo.calls(record=str(linked.right), since=self._right)
        calls = [call for call in calls if not _is_of_documents(call)]
        notes = [note for note in await self._espo.notes() if str(note["id"]) not in self._notes]
        reads = sum(call["method"] in READS for call in calls)
        return Budget(reads, len(calls) - reads, len(notes))

    async def of_documents(self, record: Linked) -> int:
        """Calls by which document-sync looked whether the record has a collection: budgets of its own."""
        calls = await self._espo.calls(caller=self._espo.api_user, record=record.left, since=self._left)
        return sum(_is_of_documents(call) for call in calls)

    async def searches(self) -> int:
        """Lists of parties that were asked for: how a lost answer is looked for."""
        return len(await self._advo.calls(method="GET", path="/Beteiligte$", since=self._right))


def _is_of_documents(call: dict[str, Any]) -> bool:
    return str(call.get("agent") or "").startswith("document-sync/")


@dataclass(frozen=True)
class Rig:
    """What a test works with. `clock` is the engine's and Advoware's: a wait passes at once."""

    espo: EspoCrm
    advo: Advoware
    engine: Engine
    handler: SyncHandler
    links: LinkStore
    clock: FakeClock
    meter: Meter
    client: EspoClient
    parties: AdvowareBeteiligteStore
    memory: str
    """Stands for the entity in our tables: a rig's numbers of parties begin anew, its links must too."""

    async def sync(self, linked: Linked | str) -> Outcome:
        return await self.engine.sync(linked if isinstance(linked, str) else linked.left)

    async def linked(self, **fields: Any) -> Linked:
        """A person in both systems, in step; the meter begins afterwards."""
        record_id = await self.espo.create(**{**PERSON, **fields})
        await self.sync(record_id)
        linked = await self.both(record_id)
        await self.meter.start()
        return linked

    async def both(self, record_id: str) -> Linked:
        return Linked(record_id, int((await self.espo.record(record_id))["betnr"]))

    async def run(self, executor: KeyedExecutor, partition: Partition, deliveries: Sequence[Delivery]) -> None:
        """Through a worker's executor, until all of this partition is acknowledged."""
        for delivery in deliveries:
            await executor.submit(delivery)

        async def done() -> bool | None:
            return True if len(partition.acked) == partition.next_offset else None

        await until(done, "all deliveries are acknowledged")

    def executor(self) -> KeyedExecutor:
        """A worker's, as after its start: it knows of nothing done before."""
        made = KeyedExecutor(self.handler, BuriedLetters(), Limits())
        made.open(1)
        return made


@asynccontextmanager
async def rig(
    pool: PostgresPool, redis: Redis, *, to_advoware: Wiring = PATIENT, settings: EngineSettings | None = None
) -> AsyncIterator[Rig]:
    """Fresh sandboxes; memory of records that no other test has. `to_advoware`: of the client, not of its tokens."""
    clock = FakeClock(datetime.now(UTC))
    async with AsyncExitStack() as stack:
        left_url = await _serve(stack, build_espocrm(Settings(webhooks_enabled=False)))
        right_url = await _serve(stack, build_advoware(clock=clock.now))
        people = await stack.enter_async_context(aiohttp.ClientSession())
        espo, advo = EspoCrm(people, left_url, API_USER_NAME), Advoware(people, right_url)
        client = EspoClient(left_url, EspoAuth(API_KEY), PATIENT)
        stack.push_async_callback(client.close)
        auth = AdvowareAuth(
            f"{right_url}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
        )
        stack.push_async_callback(auth.close)
        parties = AdvowareClient(right_url, auth, to_advoware)
        stack.push_async_callback(parties.close)
        own = f"rig-{uuid.uuid4().hex[:8]}"
        links, right = StagedLinkStore(pool, own, clock), AdvowareBeteiligteStore(parties)
        remotes = Remotes(
            left=EspoStore(client, BETEILIGTE.left_type),
            right=right,
            links=links,
            locks=RedisLocks(redis, SystemClock(), prefix=f"{own}:"),
            notifier=EspoNotifier(client, BETEILIGTE.left_type),
            clock=clock,
            brake=PostgresBrake(pool, own, f"{own}-"),
        )
        engine = Engine(BETEILIGTE, remotes, settings)
        handler = SyncHandler(BETEILIGTE.entity, engine)
        yield Rig(espo, advo, engine, handler, links, clock, Meter(espo, advo), client, right, own)


async def _serve(stack: AsyncExitStack, app: aiohttp.web.Application) -> str:
    server = await stack.enter_async_context(TestServer(app))
    return str(server.make_url("")).rstrip("/")
