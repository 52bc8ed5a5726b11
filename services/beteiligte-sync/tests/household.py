"""An office with a party and its rows: two engines over one set of fakes, and events that wait until they are run."""

from __future__ import annotations

from typing import Any

from office import ANNA, STATE, STATE_TOO, Office

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from kanzlei.topics import EVENT_TOPICS
from recordsync import Children, Engine, Family, Outcome, Remotes
from recordsync.mapping.field import EntityMapping
from recordsync.testing.memory import FakeLinks, FakePublisher
from recordsync.testing.remotes import FakeLeft
from recordsync.testing.rows import FakeRows
from recordsync.testing.strategies import attributes
from synckit.events import decode
from synckit.reconcile.plan import Side

PARTY = "p1"


class Household(Office):
    """`parties` of the plain office, and one entity of children: `left`, `right`, `links`, `engine` are the child's."""

    def __init__(self, mapping: EntityMapping, *, is_unique: bool = False) -> None:
        super().__init__()
        self.mapping = mapping
        self.party_left, self.party_right, self.party_links = self.left, self.right, self.links
        self.publisher = FakePublisher()
        self.rows = FakeRows(mapping, self.party_right, self.faults, is_unique=is_unique)
        names = (*attributes(mapping, Side.LEFT), "name", "beteiligteId", "advowareId", *{*STATE, *STATE_TOO})
        self.children = FakeLeft(self.clock, self.faults, attributes=[n for n in names if n not in mapping.state.lacks])
        self.child_links = FakeLinks(self.faults, parents=self.party_links, clock=self.clock)
        family = Family(
            [Children(mapping, self.child_links, self.children, EVENT_TOPICS[mapping.entity])],
            self.publisher,
            self.settings,
        )
        parents = Remotes(self.left, self.right, self.links, self.locks, self.notifier, self.clock)
        self.parents = Engine(BETEILIGTE, parents, self.settings, family)
        remotes = Remotes(
            self.children, self.rows, self.child_links, self.locks, self.notifier, self.clock, self.party_links
        )
        self.engine = Engine(mapping, remotes, self.settings)

    async def party_synced(self, record_id: str = PARTY) -> Outcome:
        return await self.parents.sync(record_id)

    async def with_party(self) -> str:
        """A party on both sides. Answers its betnr."""
        self.party_left.seed(PARTY, lastName="Probe", firstName="Paula", assignedUserId=ANNA)
        await self.party_synced()
        self.forget_calls()
        return str(self.party_left.records[PARTY]["betnr"])

    def child(self, record_id: str = "a1", **values: Any) -> None:
        """A child as a user made it."""
        self.children.seed(record_id, beteiligteId=PARTY, **values)

    async def with_child(self, record_id: str = "a1", **values: Any) -> str:
        """A party and a child on both sides, in step. Answers the child's right id."""
        await self.with_party()
        self.child(record_id, **values)
        await self.sync(record_id)
        self.forget_calls()
        return self.right_id(record_id)

    def right_id(self, record_id: str = "a1") -> str:
        link = self.child_links.rows[record_id].link
        assert link is not None
        return link.right_id

    def row(self, record_id: str = "a1") -> dict[str, Any]:
        return self.rows.records[self.right_id(record_id)]

    async def deliver(self) -> list[str]:
        """Runs the events that were published. Answers whose they were."""
        sent, self.publisher.sent = self.publisher.sent, []
        ids = [decode(record.key, record.value, record.headers).entity_id for _, record in sent]
        for one in ids:
            await self.sync(one)
        return ids

    def forget_calls(self) -> None:
        super().forget_calls()
        self.children.calls.clear()
        self.rows.calls.clear()

    @property
    def calls(self) -> int:
        return super().calls + len(self.children.calls) + len(self.rows.calls)

    @property
    def writes(self) -> int:
        made = sum(
            method not in ("read", "find", "candidates") for method, _ in (*self.children.calls, *self.rows.calls)
        )
        return super().writes + made
