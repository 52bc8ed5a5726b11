"""Gathering for `recordsync.explain` over fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from recordsync.explain.gather import Sources, gather
from recordsync.mapping.child import ChildOf
from recordsync.mapping.field import Attribute, EntityMapping, Field
from synckit.errors import RemoteUnavailable
from synckit.events import Record
from synckit.ports import JournalEntry, Link, RecordState, Snapshot
from synckit.testing.clock import FakeClock

PARENT = EntityMapping(
    entity="beteiligte",
    left_type="CBeteiligte",
    right_type="Beteiligte",
    fields=(Field("name", Attribute("lastName"), Attribute("name"), "Name"),),
    kind_of=lambda _: "",
    kind_fields=frozenset(),
    right_writable=("name",),
    link_attribute="betnr",
    link_is_number=True,
)
CHILD = replace(
    PARENT,
    entity="adressen",
    left_type="CAdressen",
    link_attribute="advowareId",
    child_of=ChildOf("beteiligte", "beteiligteId", "betNr", ("adressen",), lambda _: ""),
)
REGISTERED = (PARENT, CHILD)


@dataclass
class Remote:
    records: dict[str, dict[str, object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    async def read(self, record_id: str) -> Snapshot | None:
        self.asked.append(record_id)
        if self.is_away:
            raise RemoteUnavailable("espocrm", "away")
        return Snapshot(record_id, self.records[record_id]) if record_id in self.records else None


@dataclass
class Remembering:
    state: RecordState = field(default_factory=lambda: RecordState(1))
    parents: dict[str, str] = field(default_factory=dict)
    owner: str | None = None

    async def record(self, left_id: str) -> tuple[RecordState, Mapping[str, datetime]]:
        return self.state, {}

    async def journal(self, left_id: str, limit: int) -> Sequence[tuple[int, JournalEntry]]:
        return []

    async def owner_of(self, right_id: str) -> str | None:
        return self.owner

    async def right_id_of(self, entity: str, left_id: str) -> str | None:
        return self.parents.get(left_id)


class Idle:
    """Neither locks nor events."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def seconds_left(self, name: str) -> float | None:
        self.asked.append((name,))
        return None

    async def waiting(self, topic: str, group: str, key: str) -> tuple[Sequence[Record], int, int]:
        self.asked.append((topic, group, key))
        return [], 0, 0

    async def buried(self, topic: str, key: str, since: datetime) -> tuple[Sequence[Record], int, int]:
        self.asked.append((topic, key))
        return [], 0, 0


def sources(left: Remote, right: Remote, memory: Remembering, idle: Idle | None = None) -> Sources:
    idle = idle or Idle()
    return Sources(left, right, memory, idle, idle, FakeClock(), "vmh.x", "some-sync")


async def test_the_link_names_the_right_record_and_each_system_is_asked_for_this_one() -> None:
    left, right, idle = Remote({"p1": {"betnr": 102}}), Remote({"101": {}}), Idle()
    memory = Remembering(RecordState(1, link=Link("p1", "101")))
    found = await gather(sources(left, right, memory, idle), PARENT, "p1")
    assert (found.right_id, right.asked) == ("101", ["101"])
    assert sorted(idle.asked) == [("beteiligte:p1",), ("vmh.x", "some-sync", "p1"), ("vmh.x.dlq", "p1")]


async def test_without_a_live_link_the_number_of_the_left_record_counts() -> None:
    left, right = Remote({"p1": {"betnr": 102}}), Remote({"102": {}})
    gone = Remembering(RecordState(1, link=Link("p1", "101", tombstone="right_gone")), owner="p2")
    found = await gather(sources(left, right, gone), PARENT, "p1")
    assert (found.right_id, found.owner) == ("102", "p2")


async def test_a_rival_counts_only_while_it_claims_our_number() -> None:
    left = Remote({"p1": {"betnr": 101}, "p2": {"betnr": 101}, "p3": {"betnr": 999}})
    memory = Remembering(RecordState(1, link=Link("p1", "101"), rivals=("p2", "p3", "p4")))
    found = await gather(sources(left, Remote({"101": {}}), memory), PARENT, "p1")
    assert found.rivals == ("p2",)


async def test_a_child_is_found_below_its_parent_and_waits_where_that_is_not_linked() -> None:
    left = Remote({"a1": {"advowareId": 7, "beteiligteId": "p1"}})
    right = Remote({"101/7": {}})
    found = await gather(sources(left, right, Remembering(parents={"p1": "101"})), CHILD, "a1")
    assert (found.right_id, found.waits_for_parent) == ("101/7", False)
    alone = await gather(sources(left, right, Remembering()), CHILD, "a1")
    assert (alone.right_id, alone.waits_for_parent) == (None, True)


async def test_a_system_that_is_away_costs_its_own_answer_alone() -> None:
    memory = Remembering(RecordState(1, link=Link("p1", "101")))
    found = await gather(sources(Remote(is_away=True), Remote({"101": {}}), memory), PARENT, "p1")
    assert found.right.value is not None
    assert found.troubles == ("EspoCRM: nicht erreichbar oder antwortet nicht richtig (espocrm: away)",)
