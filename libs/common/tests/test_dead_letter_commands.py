"""What a dead letter is read as, what may be done with it, and in which order: pure parts and the desk on fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.calendar_events import employee_event
from kanzlei.consultations import check_event
from kanzlei.deadletters.decide import MOST_REDRIVES, Settled, State, in_original_order, listed, redrive
from kanzlei.deadletters.desk import DROPPED, REDRIVEN, Desk
from kanzlei.deadletters.letter import REDRIVES, Letter, Selection, letter
from kanzlei.deadletters.table import Key, key_of
from kanzlei.deadletters.words import table
from kanzlei.nouns import ESPOCRM
from synckit.events import Action, ChangeEvent, Origin, Record, decode, encode
from synckit.kafka.scan import Bounds, Found, Place, Scanned

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANY_BYTES = st.binary(max_size=60)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["dlq_at", "dlq_offset", "dlq_size", "redrives", "ce_id", "x"]), ANY_BYTES)
)


def buried(
    event: ChangeEvent, topic: str, offset: int = 0, *, reason: str = "bug", minutes: int = 5, redrives: int = 0
) -> Found:
    record = encode(event)
    marks = {
        "dlq_reason": reason,
        "dlq_topic": topic,
        "dlq_partition": "0",
        "dlq_offset": str(offset),
        "dlq_at": (NOW - timedelta(minutes=minutes)).isoformat(),
        "dlq_service": "beteiligte-sync",
        "dlq_size": str(len(record.value)),
    }
    again = ((REDRIVES, str(redrives).encode()),) if redrives else ()
    headers = (*((name, value.encode()) for name, value in marks.items()), *record.headers, *again)
    return Found(Place(f"{topic}.dlq", 0, offset), NOW, Record(record.key, record.value, headers))


def change(key: str, action: Action = Action.UPDATE, noun: str = "beteiligte") -> ChangeEvent:
    return ChangeEvent(noun, key, action, ESPOCRM, NOW - timedelta(hours=1))


@dataclass
class Topics:
    """Scanner and publisher at once; `dies_after` publishes raise as a broker that went away."""

    found: tuple[Found, ...]
    sent: list[tuple[str, Record]] = field(default_factory=list)
    left: int = 0

    async def scan(self, topics: Sequence[str], bounds: Bounds) -> Scanned:
        return Scanned(tuple(one for one in self.found if one.place.topic in topics), (), self.left)

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        self.sent += [(topic, one) for one in records]


@dataclass
class Table:
    """Settled letters in memory; raises after `lives` calls of `settle`."""

    rows: dict[Key, Settled] = field(default_factory=dict)
    looked: dict[tuple[str, str], datetime] = field(default_factory=dict)
    lives: int = 1_000

    async def settled(self) -> dict[Key, Settled]:
        return dict(self.rows)

    async def settle(self, letters: Sequence[Letter], how: str, who: str) -> None:
        if not self.lives:
            raise ConnectionError
        self.lives -= 1
        for one in letters:
            self.rows.setdefault(key_of(one), Settled(how, who, NOW))

    async def looks(self, ids: Sequence[str]) -> dict[tuple[str, str], datetime]:
        return {key: at for key, at in self.looked.items() if key[1] in ids}


@given(ANY_BYTES, ANY_BYTES, HEADERS.map(tuple))
def test_whatever_is_buried_is_listed(key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
    one = letter(Found(Place("vmh.beteiligte.dlq", 0, 3), NOW, Record(key, value, headers)))
    plan = redrive(one, NOW)
    assert bool(plan.refusal) != (plan.record is not None)
    assert Selection().has(one, NOW)


def test_a_records_event_goes_back_as_a_look() -> None:
    """The bytes would be an old event of EspoCRM's, which a worker may take for old news."""
    one = letter(buried(change("a1", Action.DELETE), "vmh.beteiligte"))
    plan = redrive(one, NOW)
    assert plan.record is not None
    event = decode(plan.record.key, plan.record.value, plan.record.headers)
    assert (plan.topic, event.entity, event.entity_id) == ("vmh.beteiligte", "beteiligte", "a1")
    assert (event.action, event.origin, event.received_at) == (Action.SYNC_CHECK, Origin.OPERATOR, NOW)
    assert event.id != one.event.id if one.event else False


def test_a_link_goes_back_as_its_bytes() -> None:
    record = encode(change("a1", Action.LINK, "adressen"))
    plan = redrive(letter(buried(change("a1", Action.LINK, "adressen"), "vmh.entity-links")), NOW)
    assert plan.record is not None
    assert (plan.topic, plan.record.key, plan.record.value) == ("vmh.entity-links", record.key, record.value)
    assert not [name for name, _ in plan.record.headers if name.startswith("dlq_")]


def test_an_erstgespraech_is_checked_again_and_a_stranger_on_its_topic_is_not() -> None:
    """Its noun's own action, for nothing is synced there."""
    plan = redrive(letter(buried(check_event("e1", "ticker", NOW), "erstgespraech.check")), NOW)
    assert plan.record is not None
    again = decode(plan.record.key, plan.record.value, plan.record.headers)
    assert (plan.topic, again.type, again.origin) == ("erstgespraech.check", "vmh.erstgespraeche.check", "operator")
    assert redrive(letter(buried(change("e1"), "erstgespraech.check")), NOW).record is None


def test_a_calendars_event_goes_back_as_it_was_meant() -> None:
    event = employee_event("MÜ", Origin.TICKER, NOW - timedelta(days=1), not_before=NOW + timedelta(hours=1))
    plan = redrive(letter(buried(event, "calendar.sync")), NOW)
    assert plan.record is not None
    again = decode(plan.record.key, plan.record.value, plan.record.headers)
    assert (plan.topic, again.type, again.entity_id) == ("calendar.sync", event.type, event.entity_id)
    assert (again.origin, again.not_before) == (Origin.OPERATOR, None)


def test_an_unreadable_event_with_an_id_is_looked_at() -> None:
    found = buried(change("a1"), "vmh.beteiligte", reason="invalid_event")
    broken = Found(found.place, found.at, Record(b"a1", b"{", found.record.headers))
    plan = redrive(letter(broken), NOW)
    assert plan.record is not None
    assert plan.record.key == b"a1"


@pytest.mark.parametrize(
    ("topic", "key"),
    [("webhook-ingress", b"a1"), ("vmh.entity-links", b"a1"), ("vmh.beteiligte", b"kein Schl\xfcssel")],
)
def test_what_says_nothing_does_not_go_back(topic: str, key: bytes) -> None:
    headers = (("dlq_topic", topic.encode()), ("dlq_reason", b"not_json"))
    one = letter(Found(Place(f"{topic}.dlq", 0, 0), NOW, Record(key, b"", headers)))
    plan = redrive(one, NOW)
    assert (plan.record, bool(plan.refusal)) == (None, True)


def test_a_letter_goes_back_three_times_at_most() -> None:
    """The count stays with the record, so that it is told by the letter that it becomes again."""
    for times in range(MOST_REDRIVES):
        plan = redrive(letter(buried(change("a1"), "vmh.beteiligte", redrives=times)), NOW)
        assert plan.record is not None
        assert dict(plan.record.headers)[REDRIVES] == str(times + 1).encode()
    refused = redrive(letter(buried(change("a1"), "vmh.beteiligte", redrives=MOST_REDRIVES)), NOW)
    assert refused.record is None


def test_a_later_good_look_overtakes_a_letter() -> None:
    one = letter(buried(change("a1"), "vmh.beteiligte", minutes=5))
    assert listed(one, None, NOW - timedelta(minutes=4)).state is State.OVERTAKEN
    assert listed(one, None, NOW - timedelta(minutes=6)).state is State.OPEN
    assert listed(one, Settled(DROPPED, "x", NOW), None).state is State.SETTLED


@given(st.permutations(range(12)))
def test_each_keys_letters_keep_their_first_order(order: list[int]) -> None:
    letters = [letter(buried(change(f"k{n % 3}"), "vmh.beteiligte", n)) for n in order]
    assert [one.source.offset for one in in_original_order(letters)] == sorted(order)


async def test_a_thousand_letters_go_back_in_order() -> None:
    topics = Topics(tuple(buried(change(f"k{n % 7}"), "vmh.beteiligte", n) for n in range(1_000)))
    table, told = Table(), list[int]()
    desk = Desk(topics, topics, table)
    seen = await desk.see(Selection(reason="bug"), NOW, everything=False)
    done = await desk.send_again(seen.rows, NOW, "it@office", told.append)
    assert (done.sent, done.refused, told[-1]) == (1_000, (), 1_000)
    assert [one.key.decode() for _, one in topics.sent] == [f"k{n % 7}" for n in range(1_000)]
    assert (await desk.see(Selection(), NOW, everything=False)).rows == ()
    assert {row.how for row in table.rows.values()} == {REDRIVEN}


async def test_cut_off_between_sending_and_settling_nothing_is_lost() -> None:
    topics = Topics(tuple(buried(change(f"k{n}"), "vmh.beteiligte", n) for n in range(250)))
    desk = Desk(topics, topics, Table(lives=1))
    seen = await desk.see(Selection(), NOW, everything=False)
    with pytest.raises(ConnectionError):
        await desk.send_again(seen.rows, NOW, "it", lambda _: None)
    left = await desk.see(Selection(), NOW, everything=False)
    sent = {one.key for _, one in topics.sent}
    assert len(left.rows) == 150
    assert {f"k{n}".encode() for n in range(250)} <= sent | {row.letter.key.encode() for row in left.rows}


async def test_a_new_cluster_makes_a_settled_offset_new() -> None:
    """Kafka was lost and made anew: its offsets begin again, and what was settled was another letter."""
    old, new = buried(change("a1"), "vmh.beteiligte", minutes=90), buried(change("b2"), "vmh.beteiligte", minutes=1)
    table = Table()
    desk = Desk(Topics((old,)), Topics(()), table)
    await desk.drop((await desk.see(Selection(), NOW, everything=False)).rows, "it")
    seen = await Desk(Topics((new,)), Topics(()), table).see(Selection(), NOW, everything=False)
    assert [row.letter.key for row in seen.rows] == ["b2"]


def test_a_selection_is_by_all_that_it_names() -> None:
    one = letter(buried(change("a1"), "vmh.beteiligte", 4, minutes=30))
    good = [
        Selection(topic="vmh.beteiligte"),
        Selection(topic="vmh.beteiligte.dlq", reason="bug", key="a1"),
        Selection(older_than=timedelta(minutes=29), younger_than=timedelta(minutes=31)),
        Selection(names=frozenset({"vmh.beteiligte.dlq/0/4"})),
    ]
    bad = [
        Selection(topic="vmh.adressen"),
        Selection(reason="mapping"),
        Selection(key="a2"),
        Selection(older_than=timedelta(minutes=31)),
        Selection(younger_than=timedelta(minutes=29)),
        Selection(names=frozenset({"vmh.beteiligte.dlq/0/5"})),
    ]
    assert all(each.has(one, NOW) for each in good)
    assert not any(each.has(one, NOW) for each in bad)


def test_the_runbook_shows_the_table_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "runbooks" / "dead-letters.md").read_text()
    shown = page.partition("<!-- example: deadletters-ls -->\n```\n")[2].partition("\n```")[0]
    ids = ("5f3a0c1b2d4e6f708", "66a1b2c3d4e5f6071")
    letters = [
        letter(buried(change(key), "vmh.beteiligte", n, minutes=12 - n, redrives=n)) for n, key in enumerate(ids)
    ]
    assert table([listed(one, None, None) for one in letters], NOW) == shown
