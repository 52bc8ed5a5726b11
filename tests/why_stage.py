"""A small office for `recordsync.explain`: real clients on sandboxes in this process, a still clock, some in trouble.

Memory, locks and topics are given: in memory for the examples of docs/why.md, the real servers for the tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aiohttp.test_utils import TestClient, TestServer

from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from beteiligte_sync.entities.registry import REGISTRY
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.advoware.rows import AdvowareRows
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.nouns import ESPOCRM
from kanzlei.testing.tokens import FakeTokenCache
from recordsync import Cause, Companion, Engine, Remotes
from recordsync.explain.findings import Findings
from recordsync.explain.gather import LockView, Memory, Sources, TopicView, gather
from recordsync.explain.report import Report, explain
from recordsync.mapping.field import EntityMapping
from recordsync.testing.brake import FakeBrake
from recordsync.testing.memory import FakeLinks, FakeLocks
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, OFFICE_USER_ID, Settings
from synckit.errors import TransientError
from synckit.events import Action, ChangeEvent, Record, encode
from synckit.ports import BrakeLedger, Commit, JournalEntry, LinkStore, Locks, Publisher, RecordState
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT
from synckit.worker.dead_letters import DeadLetters
from synckit.worker.delivery import Delivery
from tests.staged_store import StagedLinkStore

Control = TestClient[Any, Any]
DOUBTED = "66a1doubted00005"
CONFLICT, PARKED, BRAKED, BURIED = "66a1conflict0001", "66a1parked000002", "66a1braked000003", "66a1buried000004"
LISTS = "66a1lists0000005"
MAPPING: EntityMapping = next(each for each in REGISTRY if each.entity == "beteiligte")


class WritableTopics(TopicView, Publisher, Protocol):
    """Topics that can be looked at, and written to."""


@dataclass
class Ground:
    """What remembers, locks and carries events."""

    links: LinkStore
    memory: Memory
    locks: Locks
    lock_view: LockView
    topics: TopicView
    publisher: Publisher
    topic: str = "vmh.beteiligte"
    brake: BrakeLedger | None = None


class TimedLinks(FakeLinks):
    """Memory that can be looked at without a fence, as `PostgresInspector` looks at the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, dict[str, datetime]] = {}
        self.fences: dict[str, list[int]] = {}

    async def commit(self, change: Commit) -> None:
        await super().commit(change)
        times = self.times.setdefault(change.left_id, {})
        self.fences.setdefault(change.left_id, []).extend([change.fence] * len(change.journal))
        if change.link:
            times.setdefault("link.created_at", change.at)
        if change.looked_at:
            times["link.looked_at"] = change.looked_at
        if change.base:
            times["base"] = change.at
        for cause in change.raise_notes:
            times.setdefault(cause, change.at)

    async def record(self, left_id: str) -> tuple[RecordState, Mapping[str, datetime]]:
        row = self._row(left_id)
        state = RecordState(
            fence=row.fence,
            looked_at=row.looked_at,
            link=row.link,
            base=row.base,
            intent=row.intent,
            parked=row.parked,
            notes=frozenset(row.notes),
            pending=tuple(row.pending.values()),
            attempted=row.attempted,
            rivals=self._rivals(row.link),
        )
        return state, self.times.get(left_id, {})

    async def journal(self, left_id: str, limit: int) -> Sequence[tuple[int, JournalEntry]]:
        entries = zip(self.fences.get(left_id, []), self._row(left_id).journal, strict=True)
        return list(entries)[::-1][:limit]

    async def owner_of(self, right_id: str) -> str | None:
        return (await self.linked([right_id])).get(right_id)

    async def right_id_of(self, entity: str, left_id: str) -> str | None:
        link = self._row(left_id).link
        return link.right_id if link and not link.tombstone else None


class LockBook(FakeLocks):
    """Locks that can be looked at."""

    async def seconds_left(self, name: str) -> float | None:
        return 15.0 if name in self.held else None


@dataclass
class TopicBook:
    """Topics in memory; nothing is ever committed."""

    sent: list[tuple[str, Record]] = field(default_factory=list)

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        self.sent += [(topic, record) for record in records]

    async def waiting(self, topic: str, group: str, key: str) -> tuple[Sequence[Record], int, int]:
        return self._of(topic, key)

    async def buried(self, topic: str, key: str, since: datetime) -> tuple[Sequence[Record], int, int]:
        return self._of(topic, key)

    def _of(self, topic: str, key: str) -> tuple[Sequence[Record], int, int]:
        there = [record for name, record in self.sent if name == topic]
        return [record for record in there if record.key == key.encode()], len(there), 0


def in_memory() -> Ground:
    """The ground of the examples."""
    links, locks, topics = TimedLinks(), LockBook(), TopicBook()
    return Ground(links, links, locks, locks, topics, topics, brake=FakeBrake(links))


class Stage:
    """The office, and what happens in it."""

    def __init__(self, ground: Ground, espo: Control, advoware: Control, clock: FakeClock) -> None:
        self.ground, self.espo, self.advoware, self.clock = ground, espo, advoware, clock
        self.espo_client = EspoClient(str(espo.make_url("")), EspoAuth(API_KEY), PATIENT)
        base = str(advoware.make_url("")).rstrip("/")
        self.auth = AdvowareAuth(
            f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
        )
        self.advoware_client = AdvowareClient(base, self.auth, PATIENT)
        self.left = EspoStore(self.espo_client, MAPPING.left_type)
        self.right = AdvowareBeteiligteStore(self.advoware_client)
        notifier = EspoNotifier(self.espo_client, MAPPING.left_type)
        remotes = Remotes(self.left, self.right, ground.links, ground.locks, notifier, clock, brake=ground.brake)
        companion = Companion(KommunikationLists(), AdvowareRows(self.advoware_client, "Kommunikationen"))
        self.engine = Engine(MAPPING, remotes, companion=companion)

    @property
    def sources(self) -> Sources:
        ground = self.ground
        return Sources(
            self.left,
            self.right,
            ground.memory,
            ground.lock_view,
            ground.topics,
            self.clock,
            ground.topic,
            group="beteiligte-sync",
        )

    async def close(self) -> None:
        for client in (self.espo_client, self.advoware_client, self.auth):
            await client.close()

    async def person(self, record_id: str, **values: Any) -> None:
        """A record in EspoCRM as a user made it, then linked and in step."""
        told = {"id": record_id, "syncStatus": "pending_sync", "assignedUserId": OFFICE_USER_ID, **values}
        assert (await self.espo.post("/_sandbox/state", json={MAPPING.left_type: [told]})).status == 200
        await self.engine.sync(record_id, Cause(event_id=_event_id(1)))
        await self.pass_time(3600)

    async def edit(self, record_id: str, **values: Any) -> None:
        """A user's change in EspoCRM, and its event."""
        body = {"user": "anna", "method": "PUT", "path": f"/{MAPPING.left_type}/{record_id}", "body": values}
        answer = await self.espo.post("/_sandbox/as-user", json=body)
        assert (await answer.json())["status"] == 200
        await self.ground.publisher.publish(self.ground.topic, [self.event(record_id, tuple(values))])
        await self.pass_time(60)

    async def desk(self, record_id: str, **values: Any) -> None:
        """A change at a desk in Advoware."""
        snapshot = await self.left.read(record_id)
        assert snapshot is not None
        answer = await self.advoware.post(f"/_sandbox/desk/beteiligte/{snapshot.payload['betnr']}", json=values)
        assert answer.status == 200
        await self.pass_time(60)

    async def row(self, record_id: str, number: int | None, **values: Any) -> None:
        """A phone number or e-mail address changed at a desk, or a new one."""
        snapshot = await self.left.read(record_id)
        assert snapshot is not None
        party = f"/_sandbox/desk/beteiligte/{snapshot.payload['betnr']}"
        rows = (await (await self.advoware.get(party)).json())["kommunikation"]
        which = "" if number is None else f"/{rows[number]['id']}"
        answer = await self.advoware.post(f"{party}/kommunikation{which}", json=values)
        assert answer.status < 300, await answer.text()

    async def advoware_is_away(self) -> None:
        answer = await self.advoware.post("/_sandbox/faults", json={"fault": {"kind": "status", "status": 503}})
        assert answer.status < 300, await answer.text()

    async def fails_and_is_parked(self, record_id: str) -> None:
        try:
            await self.engine.sync(record_id, Cause(event_id=_event_id(2)))
        except TransientError as error:
            await self.engine.park(record_id, error)
        else:
            raise AssertionError("it was to fail")

    async def bury(self, record_id: str) -> None:
        """An event that our code could not handle."""
        record = self.event(record_id, ("titel",))
        headers = tuple(record.headers)
        delivery = Delivery(self.ground.topic, 0, 7, 1, 0.0, record.key, record.value, headers, lambda: None)
        sink = DeadLetters(self.ground.publisher, service="beteiligte-sync", clock=self.clock)
        await sink.bury(delivery, "bug", "KeyError in entities/beteiligte/mapping.py:31", "")

    def event(self, record_id: str, changed: tuple[str, ...]) -> Record:
        now = self.clock.now()
        return encode(ChangeEvent("beteiligte", record_id, Action.UPDATE, ESPOCRM, now, changed, _event_id(3)))

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.espo.post("/_sandbox/clock", json={"now": f"{self.clock.now():%Y-%m-%d %H:%M:%S}"})

    async def asked(self, record_id: str) -> tuple[Findings, Report]:
        """What the command would find and tell."""
        findings = await gather(self.sources, MAPPING, record_id)
        return findings, explain(findings, MAPPING)


@asynccontextmanager
async def stage(ground: Ground, start: datetime | None = None) -> AsyncIterator[Stage]:
    """Opens the office in the morning, closes it in the evening."""
    clock = FakeClock(start) if start else FakeClock()
    if isinstance(ground.links, StagedLinkStore):
        ground.links.clock = clock
    async with (
        TestClient(TestServer(build_espocrm(Settings(webhooks_enabled=False)))) as espo,
        TestClient(TestServer(build_advoware(clock=clock.now))) as advoware,
    ):
        made = Stage(ground, espo, advoware, clock)
        await made.pass_time(0)
        try:
            yield made
        finally:
            await made.close()


async def conflict(office: Stage) -> str:
    await office.person(CONFLICT, lastName="Ulmenkauz", firstName="Sieglind", dateOfBirth="1966-06-06")
    await office.edit(CONFLICT, firstName="Sieglindegard", titel="Dr.")
    await office.desk(CONFLICT, vorname="Siglintrud", zusatz="bei Frau Weber")
    return CONFLICT


async def parked(office: Stage) -> str:
    await office.person(PARKED, lastName="Weissdornau", firstName="Uodalrich", salutationName="Herr")
    await office.edit(PARKED, titel="Dr. Geduldsfaden")
    await office.advoware_is_away()
    await office.fails_and_is_parked(PARKED)
    return PARKED


async def braked(office: Stage) -> str:
    filled = {"salutationName": "Frau", "titel": "Dr.", "zusatz": "Notarin", "briefAnrede": "Sehr geehrte Frau Dr."}
    await office.person(BRAKED, lastName="Quittenbaum", firstName="Wendelgard", **filled)
    await office.desk(BRAKED, vorname="", anrede="", titel="", zusatz="", bAnrede="")
    await office.engine.sync(BRAKED, Cause(event_id=_event_id(4)))
    await office.pass_time(300)
    return BRAKED


async def buried(office: Stage) -> str:
    await office.person(BURIED, lastName="Zwergholunder", firstName="Xaverine")
    await office.bury(BURIED)
    await office.pass_time(7200)
    return BURIED


async def communication(office: Stage) -> str:
    mails = ("eilika@girlitzmoos.example", "buero@girlitzmoos.example", "alt@girlitzmoos.example")
    await office.person(LISTS, lastName="Girlitzmoos", firstName="Eilika", emailAddressData=_mails(*mails))
    await office.row(LISTS, 0, tlf="e.girlitzmoos@desk.example")
    await office.row(LISTS, 2, tlf="eilika@desk.example")
    await office.row(LISTS, None, kommKz=1, tlf="0711 / 90 81-4567", bemerkung="nur vormittags")
    await office.row(LISTS, None, kommKz=6, tlf="über die Schwester")
    await office.edit(
        LISTS, emailAddressData=_mails(mails[0], "kanzlei@girlitzmoos.example", "neu@girlitzmoos.example")
    )
    return LISTS


def _mails(*values: str) -> list[dict[str, Any]]:
    return [{"emailAddress": value, "primary": number == 0} for number, value in enumerate(values)]


async def doubted(office: Stage) -> str:
    """Advoware shows one and the same name for everybody, and says that nothing was changed."""
    await office.person(DOUBTED, firstName="Dora", lastName="Beispiel", dateOfBirth="1966-06-06")
    await office.advoware.post("/_sandbox/switches", json={"lie": "equal_names"})
    await office.engine.sync(DOUBTED, Cause(event_id=_event_id(4)))
    await office.pass_time(60)
    return DOUBTED


SCENES = {
    "conflict": conflict,
    "parked": parked,
    "braked": braked,
    "doubted": doubted,
    "buried": buried,
    "communication": communication,
}


def _event_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"
