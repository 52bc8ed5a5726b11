"""Events in: which look they mean, what is merged, who is at fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from document_world import KLAGE, FakeCalls, World

from document_sync.agents import DocumentHandler, PassOn, RecordHandler
from document_sync.domain.events import call_document, call_record, is_only_due, record_keys
from document_sync.domain.values import DocumentState, Phase, RecordKey
from document_sync.handlers import Cause, Looked
from document_sync.handlers.record_look import RecordLooked
from document_sync.timers import Change, Ticker
from synckit.errors import (
    AuthenticationRefused,
    CredentialsRefused,
    InvalidEvent,
    RemoteUnavailable,
    TransientError,
)
from synckit.events import ChangeEvent, decode, encode
from synckit.handling import Attempt
from synckit.testing.clock import FakeClock
from synckit.testing.worker import BuriedLetters, FakeTimers, Partition
from synckit.worker import KeyedExecutor, Limits

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TYPES = ("Account", "CBeteiligte", "CVmhRumungsklage")


def event(entity: str, one: str, action: str = "update", changed: tuple[str, ...] = ()) -> ChangeEvent:
    return ChangeEvent(entity, one, action, "espocrm", NOON, changed, "e1")


def attempt(*events: ChangeEvent) -> Attempt:
    return Attempt(1, 0.0, events)


@dataclass
class Looks:
    """Remembers what it was asked for, or fails."""

    error: Exception | None = None
    seen: list[tuple[str, bool]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    async def look(self, document: str, cause: Cause, *, may_be_light: bool = False) -> Looked:
        self.seen.append((document, may_be_light))
        if self.error:
            raise self.error
        return Looked("written", DocumentState.CLEAN)

    async def give_up(self, document: str, error: TransientError) -> None:
        self.given_up.append(document)


@dataclass
class RecordsSeen:
    seen: list[RecordKey] = field(default_factory=list)

    async def look(self, key: RecordKey, cause: Cause, *, calls: bool = True) -> RecordLooked:
        self.seen.append(key)
        return RecordLooked("written", Phase.LIVE)

    async def give_up(self, key: RecordKey, error: TransientError) -> None:
        self.seen.append(key)


async def test_only_what_is_due_may_be_light() -> None:
    """Anybody who says that something has changed makes it a whole look."""
    looks = Looks()
    handler = DocumentHandler(looks)
    due, asked = call_document("d1", NOON, is_due=True), call_document("d1", NOON)
    await handler.handle(due, attempt(due))
    await handler.handle(due, attempt(asked, due))
    await handler.handle(event("dokumente", "d1"), attempt(event("dokumente", "d1")))
    assert looks.seen == [("d1", True), ("d1", False), ("d1", False)]


async def test_refused_credentials_are_nobodys_fault() -> None:
    """The event stays unacked; the document's state is left alone."""
    looks = Looks(AuthenticationRefused("xai", retry_after=9.0))
    handler = DocumentHandler(looks)
    with pytest.raises(CredentialsRefused) as caught:
        await handler.handle(event("dokumente", "d1"), attempt(event("dokumente", "d1")))
    with pytest.raises(CredentialsRefused):
        await handler.give_up(event("dokumente", "d1"), caught.value, attempt())
    assert looks.given_up == []


@pytest.mark.parametrize("upstream", ["postgres", "redis", "kafka"])
async def test_without_our_own_nothing_is_given_up(upstream: str) -> None:
    looks = Looks()
    with pytest.raises(RemoteUnavailable):
        await DocumentHandler(looks).give_up(event("dokumente", "d1"), RemoteUnavailable(upstream, "away"), attempt())
    assert looks.given_up == []


async def test_a_remote_in_trouble_is_given_up() -> None:
    looks = Looks()
    await DocumentHandler(looks).give_up(event("dokumente", "d1"), RemoteUnavailable("xai", "no answer"), attempt())
    assert looks.given_up == ["d1"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (call_record(KLAGE, NOON), (KLAGE,)),
        (event("raeumungsklagen", "k1"), (KLAGE,)),
        (event("accounts", "a1"), (RecordKey("Account", "a1"),)),
        (event("adressen", "x1"), ()),
        (event("sammlungen", "k1"), tuple(RecordKey(kind, "k1") for kind in TYPES)),
    ],
)
def test_an_event_means_these_records(told: ChangeEvent, expected: tuple[RecordKey, ...]) -> None:
    assert record_keys(told, TYPES) == expected


@pytest.mark.parametrize("key", ["Nothing.k1", "CBeteiligte.", "CBeteiligte.a b", "%2F"])
def test_no_record_is_no_event(key: str) -> None:
    with pytest.raises(InvalidEvent):
        record_keys(event("sammlungen", key), TYPES)


def test_our_events_pass_the_broker() -> None:
    for told in (call_record(KLAGE, NOON), call_document("d1", NOON, is_due=True)):
        record = encode(told)
        back = decode(record.key, record.value, record.headers)
        assert (back.entity, back.entity_id, back.action) == (told.entity, told.entity_id, "sync_check")
        assert is_only_due([back]) == is_only_due([told])


async def test_each_record_that_is_meant_is_looked_at() -> None:
    records = RecordsSeen()
    await RecordHandler(records, TYPES).handle(call_record(KLAGE, NOON), attempt())
    assert records.seen == [KLAGE]


async def test_links_and_switches_are_passed_on() -> None:
    """A link is the document's; of other nouns only what may have moved the switch is ours."""
    calls = FakeCalls()
    passing = PassOn(calls, {"CBeteiligte": "xaiSyncActive", "Account": "cXaiSyncActive"})

    async def pass_on(*events: ChangeEvent) -> str:
        return (await passing.handle(events[-1], attempt(*events))).result

    assert await pass_on(event("dokumente", "d1", "link")) == "passed_on"
    assert await pass_on(event("beteiligte", "b1", "link")) == "not_ours"
    assert await pass_on(event("beteiligte", "b1", "update", ("lastName",))) == "not_ours"
    assert await pass_on(event("beteiligte", "b1", "sync_check")) == "not_ours"
    assert await pass_on(event("beteiligte", "b1", "delete")) == "not_ours"
    assert await pass_on(event("accounts", "a1", "update", ("xaiSyncActive",))) == "not_ours"
    assert list(calls.waiting) == ["d1"]
    assert await pass_on(event("accounts", "a1", "update", ("cXaiSyncActive",))) == "passed_on"
    assert await pass_on(event("beteiligte", "b1", "update", ("xaiSyncActive",))) == "passed_on"
    assert list(calls.waiting) == ["d1", RecordKey("Account", "a1"), RecordKey("CBeteiligte", "b1")]


async def test_many_events_at_once_are_at_most_two_looks() -> None:
    """One under way, and one for all that came meanwhile."""
    world = World()
    await world.switched(KLAGE, True)
    world.office.write_paper("d1", b"Raeumung")
    world.office.join("d1", KLAGE)
    timers, topic = FakeTimers(), Partition("vmh.dokumente")
    looks: list[str] = []
    handler = DocumentHandler(world.documents, lambda _noun, result: looks.append(result))
    executor = KeyedExecutor(handler, BuriedLetters(), Limits(), timers=timers)
    executor.open(1)
    for _ in range(40):
        await executor.submit(topic.deliver(event("dokumente", "d1")))
    await timers.advance(5)
    assert 1 <= len(looks) <= 2
    assert len(world.xai.uploads) == 1
    assert len(topic.acked) == 40


@dataclass
class ListsDue:
    """`timers.Lists`, and cursors."""

    at: datetime = NOON
    moved: dict[str, datetime] = field(default_factory=dict)

    async def due_documents(self, most: int) -> list[str]:
        return ["d1"]

    async def due_records(self, most: int) -> list[RecordKey]:
        return [KLAGE]

    async def documents_not_looked_at(self, before: datetime, most: int) -> list[str]:
        return ["d2"]

    async def records_not_looked_at(self, before: datetime, most: int) -> list[RecordKey]:
        return [RecordKey("Account", "a1")]

    async def switched_on(self, kind: str, ids: Sequence[str]) -> Collection[str]:
        return {"r2", "r4"} & set(ids)

    async def cursor(self, name: str) -> datetime:
        return self.at

    async def move_cursor(self, name: str, at: datetime) -> None:
        self.moved[name] = at


class CallsSeen(FakeCalls):
    """Also those that are only due."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[str] = []

    async def due_documents(self, documents: Collection[str]) -> None:
        self.due += documents


async def test_the_ticker_calls_what_is_due() -> None:
    calls, lists = CallsSeen(), ListsDue()
    ticker = Ticker(lists, calls, FakeClock())
    await ticker.due()
    assert (calls.due, list(calls.waiting)) == (["d1"], [KLAGE])
    await ticker.daily()
    assert list(calls.waiting) == [KLAGE, "d2", RecordKey("Account", "a1")]


async def test_the_cursor_moves_behind_what_was_called() -> None:
    """Documents whatever was changed; records only where the switch is not as we know it. The overlap calls nothing."""
    calls, lists = CallsSeen(), ListsDue()
    asked: list[datetime] = []
    rows = {
        "CDokumente": [Change("x1", NOON + timedelta(minutes=5))],
        "CVmhRumungsklage": [Change(f"r{number}", NOON, number in (1, 2)) for number in range(1, 5)],
    }

    async def changed(kind: str, since: datetime) -> AsyncIterator[Change]:
        asked.append(since)
        for row in rows.get(kind, ()):
            yield row

    ticker = Ticker(lists, calls, FakeClock())
    await ticker.changed(changed, "CDokumente", ["CVmhRumungsklage", "Account"])
    assert list(calls.waiting) == ["x1", RecordKey("CVmhRumungsklage", "r1"), RecordKey("CVmhRumungsklage", "r4")]
    assert lists.moved["CDokumente"] == NOON + timedelta(minutes=5)
    assert lists.moved["Account"] == NOON
    assert set(asked) == {NOON - timedelta(minutes=2)}
    calls.waiting.clear()
    await ticker.changed(changed, "CDokumente", ["CVmhRumungsklage"])
    assert list(calls.waiting) == []
    rows["CDokumente"] = [Change("x1", NOON + timedelta(minutes=6))]
    await ticker.changed(changed, "CDokumente", [])
    assert list(calls.waiting) == ["x1"]
