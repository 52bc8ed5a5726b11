"""The looks, with fakes: what is emitted, in which words, and when a cursor moves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kanzlei.nouns import ADVOWARE
from recordsync.mapping.rows import SEEN
from recordsync.testing.memory import FakeLinks, FakePublisher
from recordsync.testing.parking import park
from synckit.errors import RemoteUnavailable
from synckit.events import Action, Origin, decode
from synckit.ports import Commit, Link, Parked
from synckit.reconcile.plan import Base
from synckit.testing.clock import FakeClock
from ticker.commands import look_back, moment
from ticker.domain.entities import BY_NAME, Watched
from ticker.domain.queries import Where
from ticker.domain.rows import LeftRow, PartyRow, RightRow
from ticker.handlers import (
    ChangedAtDesk,
    Emitter,
    Look,
    Modified,
    NotLookedAt,
    ParkedAndDue,
    RowsAtDesk,
    Told,
    WaitingStates,
)

ADRESSEN = BY_NAME["adressen"]
BANKVERBINDUNGEN = BY_NAME["bankverbindungen"]

OVERLAP = timedelta(minutes=2)


class FakeLeft:
    """EspoCRM's lists."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.rows: list[LeftRow] = []
        self.since: list[datetime] = []
        self.asked_who = 0

    async def matching(self, where: Where) -> AsyncGenerator[str, None]:
        for one in self.waiting:
            yield one

    async def changed_since(self, since: datetime) -> AsyncGenerator[LeftRow, None]:
        self.since.append(since)
        for row in sorted(self.rows, key=lambda row: (row.modified_at, row.id)):
            if row.modified_at >= since:
                yield row

    async def our_user(self) -> str | None:
        self.asked_who += 1
        return "us"


class FakeRight:
    """Advoware's list; what it says, it says whatever was asked."""

    def __init__(self) -> None:
        self.rows: list[RightRow] = []
        self.since: list[datetime] = []
        self.given = 0
        self.parties: dict[str, dict[str, str]] = {}
        self.lists: dict[str, str | None] = {}

    async def changed_since(self, since: datetime) -> AsyncGenerator[RightRow, None]:
        self.since.append(since)
        for row in self.rows:
            self.given += 1
            yield row

    async def with_rows(self, kinds: Sequence[Watched]) -> AsyncGenerator[PartyRow, None]:
        for number, rows in self.parties.items():
            yield PartyRow(number, {kind.entity: rows for kind in kinds}, self.lists.get(number))


class Desk:
    """Everything a look needs, and what came of it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.left, self.right = FakeLeft(), FakeRight()
        self.store, self.publisher = FakeLinks(), FakePublisher()
        self.emitter = Emitter(self.publisher, self.clock)

    def modified(self) -> Modified:
        return Modified(self.left, self.store, self.clock, overlap=OVERLAP)

    def desk(self, limit: int = 1000) -> ChangedAtDesk:
        return ChangedAtDesk(self.right, self.store, self.clock, overlap=OVERLAP, limit=limit)

    async def saw(self, left_id: str, lists: str | None) -> None:
        """What a look remembers of the party's own rows."""
        state = await self.store.load(left_id)
        base = Base() if lists is None else Base(right={SEEN: lists})
        await self.store.commit(Commit(left_id, state.fence, self.clock.now(), base=base))

    async def look(self, look: Look, *, dry_run: bool = False) -> Told:
        return await self.emitter.carry_out(look, dry_run=dry_run)

    async def link(self, left_id: str, right_id: str, version: str, *, looked_at: datetime | None = None) -> None:
        link = Link(left_id, right_id, right_version=version, left_changed_at=self.clock.now())
        state = await self.store.load(left_id)
        await self.store.commit(
            Commit(left_id, state.fence, self.clock.now(), link=link, looked_at=looked_at or self.clock.now())
        )

    @property
    def emitted(self) -> list[str]:
        return [record.key.decode() for _, record in self.publisher.sent]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def rows(clock: FakeClock, *ids: str, by: str | None = "anna") -> list[LeftRow]:
    return [LeftRow(one, clock.now(), by) for one in ids]


async def test_an_event_is_a_sync_check_keyed_by_the_left_id_and_says_who_asks(desk: Desk) -> None:
    desk.left.waiting = ["a1", "b2", "a1"]
    told = await desk.look(WaitingStates(desk.left, desk.clock, stale_syncing=timedelta(minutes=10)))
    assert told == Told("waiting_state", 3, 2)
    assert [topic for topic, _ in desk.publisher.sent] == ["vmh.beteiligte"] * 2
    event = decode(desk.publisher.sent[0][1].key, desk.publisher.sent[0][1].value, desk.publisher.sent[0][1].headers)
    assert (event.entity_id, event.action, event.origin) == ("a1", Action.SYNC_CHECK, Origin.TICKER)
    assert event.traceparent is not None


async def test_more_than_a_page_is_emitted_until_none_is_left(desk: Desk) -> None:
    desk.left.waiting = [f"id{number}" for number in range(1234)]
    await desk.look(WaitingStates(desk.left, desk.clock, stale_syncing=timedelta(minutes=10)))
    assert desk.emitted == desk.left.waiting


async def test_what_was_modified_since_the_cursor_is_emitted_and_the_cursor_follows(desk: Desk) -> None:
    desk.left.rows = rows(desk.clock, "a", "b")
    await desk.look(desk.modified())
    assert desk.emitted == ["a", "b"]
    assert desk.store.cursors == {"espocrm.beteiligte.modified": desk.clock.now().isoformat()}
    desk.clock.advance(900)
    await desk.look(desk.modified())
    assert desk.left.since[1] == desk.left.since[0] + timedelta(hours=24) - OVERLAP


async def test_a_burst_is_read_again_once_and_not_for_ever(desk: Desk) -> None:
    desk.left.rows = rows(desk.clock, "a", "b")
    told = []
    for _ in range(4):
        told.append((await desk.look(desk.modified())).seen)
        desk.clock.advance(900)
    assert told == [2, 2, 0, 0]


async def test_our_own_last_write_is_no_reason_to_look(desk: Desk) -> None:
    await desk.link("a", "1", "v1")
    await desk.link("b", "2", "v1")
    desk.left.rows = [*rows(desk.clock, "a", by="us"), *rows(desk.clock, "b", by="anna")]
    await desk.look(desk.modified())
    assert desk.emitted == ["b"]


async def test_who_we_are_is_not_asked_where_nothing_was_modified(desk: Desk) -> None:
    assert await desk.look(desk.modified()) == Told("modified", 0, 0)
    assert desk.left.asked_who == 0


async def test_a_cursor_stays_where_the_broker_did_not_acknowledge(desk: Desk) -> None:
    desk.left.rows = rows(desk.clock, "a")
    desk.publisher.refuse = True
    with pytest.raises(RemoteUnavailable):
        await desk.look(desk.modified())
    assert desk.store.cursors == {}
    desk.publisher.refuse = False
    await desk.look(desk.modified())
    assert desk.emitted == ["a"]


async def test_a_dry_run_emits_nothing_and_moves_nothing(desk: Desk) -> None:
    desk.left.rows = rows(desk.clock, "a")
    assert await desk.look(desk.modified(), dry_run=True) == Told("modified", 1, 1)
    assert (desk.emitted, desk.store.cursors) == ([], {})


async def test_a_desks_change_is_a_row_id_that_we_do_not_know(desk: Desk) -> None:
    await desk.link("a", "1", "v1")
    await desk.link("b", "2", "v1")
    desk.right.rows = [RightRow("1", "v1"), RightRow("2", "v2"), RightRow("3", "v9")]
    assert await desk.look(desk.desk()) == Told("desk", 3, 1)
    record = desk.publisher.sent[0][1]
    assert decode(record.key, record.value, record.headers).origin == ADVOWARE
    assert desk.emitted == ["b"]


async def test_ten_thousand_unchanged_parties_are_not_worth_an_event(desk: Desk) -> None:
    for number in range(300):
        await desk.link(f"left{number}", str(number), "v1")
    desk.right.rows = [RightRow(str(number), "v1") for number in range(10_000)]
    assert await desk.look(desk.desk()) == Told("desk", 10_000, 0)


async def test_an_answer_of_everything_is_cut_once_the_cursor_is_recent_and_the_cursor_still_moves(desk: Desk) -> None:
    await desk.look(desk.desk())
    desk.clock.advance(60)
    desk.right.rows = [RightRow(str(number), "v1") for number in range(10_000)]
    told = await desk.look(desk.desk(limit=100))
    assert (told.seen, told.capped) == (100, True)
    assert desk.right.given == 101
    assert desk.store.cursors["advoware.beteiligte.changed"] > (desk.clock.now() - timedelta(minutes=11)).isoformat()


async def test_records_that_nobody_looked_at_for_a_day_are_looked_at_longest_ago_first(desk: Desk) -> None:
    now = desk.clock.now()
    for number, hours in enumerate([1, 30, 26, 25, 23]):
        await desk.link(f"left{number}", str(number), "v1", looked_at=now - timedelta(hours=hours))
    look = NotLookedAt(desk.store, desk.clock, age=timedelta(hours=24), limit=2)
    await desk.look(look)
    assert desk.emitted == ["left1", "left2"]


async def test_no_look_but_its_own_brings_a_parked_record_back_unless_a_person_changed_it(desk: Desk) -> None:
    later, yesterday = desk.clock.now() + timedelta(hours=4), desk.clock.now() - timedelta(hours=30)
    for one in ("a", "b"):
        await desk.link(one, one, "v1", looked_at=yesterday)
        await park(desk.store, Parked(one, 3, later, "remote_unavailable"))
    desk.clock.advance(900)
    desk.left.rows = [*rows(desk.clock, "a", by="us"), *rows(desk.clock, "b", by="anna")]
    desk.right.rows = [RightRow("a", "v2"), RightRow("b", "v2")]
    await desk.look(desk.desk())
    await desk.look(NotLookedAt(desk.store, desk.clock, age=timedelta(hours=24), limit=2))
    assert desk.emitted == []
    await desk.look(desk.modified())
    assert desk.emitted == ["b"]


async def test_a_parked_record_is_brought_back_when_it_is_due_and_given_time(desk: Desk) -> None:
    due = desk.clock.now() + timedelta(minutes=1)
    await park(desk.store, Parked("a", 1, due, "remote_unavailable"))
    look = ParkedAndDue(desk.store, desk.clock)
    steps: list[Sequence[str]] = []
    for _ in range(12):
        await desk.look(look)
        steps.append(list(desk.emitted))
        desk.clock.advance(15)
    assert [len(step) for step in steps] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]


async def test_what_a_worker_cannot_keep_up_with_is_said_ever_more_rarely_and_takes_no_others_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ParkedAndDue, "limit", 2)
    for name in "abcde":
        await park(desk.store, Parked(name, 1, desk.clock.now(), "remote_unavailable"))
    look = ParkedAndDue(desk.store, desk.clock)
    for _ in range(3):
        await desk.look(look)
    assert sorted(desk.emitted) == list("abcde")
    for _ in range(4 * 60):
        desk.clock.advance(15)
        await desk.look(look)
    assert desk.emitted.count("a") == 7, "at 0, 1, 3, 7, 15, 31 and 47 minutes"


async def test_by_hand_a_look_goes_back_as_far_as_it_is_told_and_its_cursor_stays(desk: Desk) -> None:
    desk.left.rows = rows(desk.clock, "a")
    desk.clock.advance(30 * 86400)
    look = Modified(desk.left, desk.store, desk.clock, overlap=OVERLAP)
    await desk.look(look)
    assert desk.emitted == []
    cursor = desk.store.cursors[look.cursor]
    look_back([look], desk.clock.now() - timedelta(days=40))
    await desk.look(look)
    assert desk.emitted == ["a"]
    assert desk.store.cursors[look.cursor] == cursor


def test_a_day_is_utc() -> None:
    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert moment("2026-01-31T01:00+01:00") == datetime(2026, 1, 31, tzinfo=UTC)


async def test_a_record_parked_again_later_is_brought_back_in_its_own_time(desk: Desk) -> None:
    await park(desk.store, Parked("a", 1, desk.clock.now(), "remote_unavailable"))
    look = ParkedAndDue(desk.store, desk.clock)
    for minutes in (1, 3):
        await desk.look(look)
        desk.clock.advance(60 * minutes)
    await park(desk.store, Parked("a", 2, desk.clock.now() + timedelta(minutes=5), "remote_unavailable"))
    await desk.look(look)
    before = len(desk.emitted)
    desk.clock.advance(5 * 60)
    await desk.look(look)
    desk.clock.advance(60)
    await desk.look(look)
    assert len(desk.emitted) == before + 2


async def test_a_parked_record_whose_event_was_refused_is_tried_at_the_next_look(desk: Desk) -> None:
    await park(desk.store, Parked("a", 1, desk.clock.now(), "remote_unavailable"))
    look = ParkedAndDue(desk.store, desk.clock)
    desk.publisher.refuse = True
    with pytest.raises(RemoteUnavailable):
        await desk.look(look)
    desk.publisher.refuse = False
    await desk.look(look)
    assert desk.emitted == ["a"]


async def test_a_look_at_children_speaks_of_them_on_their_own_topic(desk: Desk) -> None:
    desk.left.waiting = ["a1"]
    desk.left.rows = rows(desk.clock, "a2")
    await desk.look(WaitingStates(desk.left, desk.clock, stale_syncing=timedelta(minutes=10), watched=ADRESSEN))
    await desk.look(Modified(desk.left, desk.store, desk.clock, overlap=OVERLAP, entity="adressen"))
    assert [(topic, record.key) for topic, record in desk.publisher.sent] == [
        ("vmh.adressen", b"a1"),
        ("vmh.adressen", b"a2"),
    ]
    assert list(desk.store.cursors) == ["espocrm.adressen.modified"]


@pytest.mark.parametrize(
    ("row", "kind", "expected"),
    [
        ({"1/7": "v1"}, ADRESSEN, []),
        ({"1/7": "v2"}, ADRESSEN, ["party"]),
        ({"1/7": "v1", "1/8": "v1"}, ADRESSEN, ["party"]),
        ({"1/7": "v1", "1/8": "v1"}, replace(ADRESSEN, imported=False), []),
        ({"1/7": "v1", "1/9": "v5"}, ADRESSEN, []),
        ({}, ADRESSEN, []),
    ],
)
async def test_a_party_whose_rows_moved_is_looked_at(
    desk: Desk, row: dict[str, str], kind: Watched, expected: list[str]
) -> None:
    children = FakeLinks()
    await desk.link("party", "1", "v1")
    for left_id, right_id, tombstone in (("a", "1/7", ""), ("b", "1/9", "left_deleted")):
        state = await children.load(left_id)
        link = Link(left_id, right_id, "v1", tombstone=tombstone)
        await children.commit(Commit(left_id, state.fence, desk.clock.now(), link=link))
    desk.right.parties = {"1": row, "2": {"2/1": "v1"}}
    assert (await desk.look(RowsAtDesk(desk.right, desk.store, {kind: children}))).seen == 2
    assert desk.emitted == expected


@pytest.mark.parametrize(
    ("shown", "seen", "expected"),
    [
        ("two", "one", ["party"]),
        ("one", "one", []),
        ("one", None, ["party"]),
        ("", "one", []),
        ("", None, []),
        (None, "one", []),
    ],
)
async def test_a_party_whose_own_rows_are_not_as_last_seen_is_looked_at(
    desk: Desk, shown: str | None, seen: str | None, expected: list[str]
) -> None:
    await desk.link("party", "1", "v1")
    await desk.saw("party", seen)
    desk.right.parties, desk.right.lists = {"1": {}, "2": {}}, {"1": shown, "2": "of nobody that we know"}
    await desk.look(RowsAtDesk(desk.right, desk.store, {ADRESSEN: FakeLinks()}))
    assert desk.emitted == expected


async def test_rows_whose_look_comes_to_nothing_are_told_once_and_again_when_they_move(desk: Desk) -> None:
    await desk.link("party", "1", "v1")
    desk.right.parties, desk.right.lists = {"1": {}}, {"1": "one"}
    look = RowsAtDesk(desk.right, desk.store, {ADRESSEN: FakeLinks()})
    assert (await desk.look(look, dry_run=True)).emitted == 1
    emitted = [(await desk.look(look)).emitted for _ in range(3)]
    desk.right.lists = {"1": "two"}
    assert [*emitted, (await desk.look(look)).emitted] == [1, 0, 0, 1]
    assert desk.emitted == ["party", "party"]


async def test_a_row_that_is_not_taken_over_is_told_once_and_again_when_it_moves(desk: Desk) -> None:
    await desk.link("party", "1", "v1")
    desk.right.parties = {"1": {"1/7": "v1"}}
    look = RowsAtDesk(desk.right, desk.store, {ADRESSEN: FakeLinks(), BANKVERBINDUNGEN: FakeLinks()})
    desk.publisher.refuse = True
    with pytest.raises(RemoteUnavailable):
        await desk.look(look)
    desk.publisher.refuse = False
    emitted = [(await desk.look(look)).emitted for _ in range(3)]
    desk.right.parties = {"1": {"1/7": "v2"}}
    emitted.append((await desk.look(look)).emitted)
    desk.right.parties = {"1": {"1/7": "v2", "1/8": "v1"}}
    assert [*emitted, (await desk.look(look)).emitted] == [1, 0, 0, 1, 1]


async def test_rows_of_a_parked_party_wait_for_its_time(desk: Desk) -> None:
    await desk.link("party", "1", "v1")
    await park(desk.store, Parked("party", 1, desk.clock.now() + timedelta(hours=1), "remote_unavailable"))
    desk.right.parties, desk.right.lists = {"1": {}}, {"1": "one"}
    await desk.look(RowsAtDesk(desk.right, desk.store, {ADRESSEN: FakeLinks()}))
    assert desk.emitted == []


def test_rows_hold_no_more_than_they_need() -> None:
    assert replace(LeftRow("a", FakeClock().now()), modified_by="us").modified_by == "us"
    assert set(RightRow.__slots__) == {"id", "version"}


YEAR = timedelta(days=365)


async def test_a_row_of_the_future_blinds_no_look(desk: Desk) -> None:
    """A `modifiedAt` that lies ahead: what is changed after it, by a right clock, is found as ever."""
    desk.left.rows = [LeftRow("ahead", desk.clock.now() + YEAR, "anna"), *rows(desk.clock, "a")]
    await desk.look(desk.modified())
    for minute in range(4):
        desk.clock.advance(900)
        desk.left.rows.append(LeftRow(f"after-{minute}", desk.clock.now() - timedelta(seconds=1), "anna"))
        desk.publisher.sent.clear()
        await desk.look(desk.modified())
        assert f"after-{minute}" in desk.emitted


@pytest.mark.parametrize("kind", ["modified", "desk"])
async def test_a_look_with_a_wrong_clock_blinds_none_that_follows(desk: Desk, kind: str) -> None:
    """Once by a year, over restarts: the cursor that it left behind is none."""
    look = desk.modified if kind == "modified" else desk.desk
    asked = desk.left.since if kind == "modified" else desk.right.since
    desk.clock.step(YEAR.total_seconds())
    await desk.look(look())
    desk.clock.step(-YEAR.total_seconds())
    await desk.look(look())
    assert asked[-1] <= desk.clock.now() - timedelta(hours=24)
    desk.clock.advance(900)
    await desk.look(look())
    assert desk.clock.now() - timedelta(hours=1) < asked[-1] < desk.clock.now()


async def test_a_record_looked_at_in_the_future_is_looked_at_daily(desk: Desk) -> None:
    """As a worker with a wrong clock left it before the database told the time."""
    desk.store.clock = desk.clock
    await desk.link("a", "1", "v1")
    desk.store.rows["a"].looked_at = desk.clock.now() + YEAR
    for _ in range(2):
        look = NotLookedAt(desk.store, desk.clock, age=timedelta(hours=24), limit=50)
        assert (await desk.look(look)).emitted == 1
    state = await desk.store.load("a")
    await desk.store.commit(Commit("a", state.fence, desk.clock.now(), looked_at=desk.clock.now()))
    assert (await desk.look(look)).emitted == 0
