"""What every LinkStore and SweepStore must do: the same suite over the fake and over PostgreSQL.

A test class derives from it and gives `make_stores`; the methods are plain coroutines with assertions.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from recordsync.mapping.rows import SEEN
from recordsync.testing.parking import park
from synckit.errors import Ambiguous, StaleVersion
from synckit.ports import (
    IMPORT,
    WAITS_FOR_PARENT,
    Attempted,
    Commit,
    Intent,
    JournalEntry,
    Link,
    LinkStore,
    Parked,
    PendingNote,
    SweepStore,
)
from synckit.reconcile.plan import Base

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EARLIER = NOON - timedelta(hours=1)
BASE = Base(
    left={"name": "Müller", "born": date(1970, 2, 28), "active": True, "number": 7, "title": None},
    right={"name": "Mueller \x00\ud83d", "born": date(1752, 12, 31), "active": False, "number": 2**60, "title": "Dr."},
)
INTENT = Intent("a", {"name": "Müller", "geburtsdatum": "1970-02-28T00:00:00", "kinder": [{"id": 1}, None]}, NOON)
LINK = Link("a", "101", "row-1", left_changed_at=NOON, owner_id="user-1")
ATTEMPT = Attempted("born", "right", date(1970, 2, 28), None)
POSTED = Attempted("row/+1", "right", "Müller", "1", NOON + timedelta(microseconds=1))
NOTE = PendingNote(
    "conflict:name", "„Müller“ oder „Mueller“", "#a-1", "user-1", "name", "right", date(1970, 1, 1), date(1970, 1, 2)
)


class LinkStoreContract:
    """A record's memory: links, bases, intents, notes, fences."""

    async def make_stores(self) -> tuple[LinkStore, SweepStore]:
        """Empty ones, over the same memory."""
        raise NotImplementedError

    async def make_family(self) -> tuple[LinkStore, LinkStore, SweepStore]:
        """Empty ones: of parents, and of their children with the ticker's view of them."""
        raise NotImplementedError

    async def linked_store(self, link: Link = LINK) -> tuple[LinkStore, SweepStore, int]:
        """With one linked record, and its newest fence."""
        links, sweep = await self.make_stores()
        state = await links.load(link.left_id)
        await links.commit(Commit(link.left_id, state.fence, NOON, link=link, base=BASE, looked_at=EARLIER))
        return links, sweep, (await links.load(link.left_id)).fence

    async def test_a_record_that_nobody_knows_has_an_empty_state(self) -> None:
        links, _ = await self.make_stores()
        state = await links.load("nobody")
        assert (state.link, state.intent, state.parked) == (None, None, None)
        assert (state.base, state.notes, state.pending, state.rivals) == (Base(), frozenset(), (), ())

    async def test_every_load_takes_a_greater_fence(self) -> None:
        links, _ = await self.make_stores()
        fences = [(await links.load(left_id)).fence for left_id in ("a", "b", "a")]
        assert fences == sorted(set(fences))

    async def test_what_was_committed_is_loaded_and_every_type_survives(self) -> None:
        links, _, _ = await self.linked_store()
        state = await links.load("a")
        assert state.link == LINK
        assert dict(state.base.left) == dict(BASE.left)
        assert dict(state.base.right) == dict(BASE.right)
        assert type(state.base.left["active"]) is bool
        assert type(state.base.left["born"]) is date

    async def test_when_a_record_was_looked_at_is_loaded_with_it(self) -> None:
        links, _, _ = await self.linked_store()
        assert (await links.load("nobody")).looked_at is None
        state = await links.load("a")
        assert state.looked_at == EARLIER
        await links.commit(Commit("a", state.fence, NOON, looked_at=NOON))
        assert (await links.load("a")).looked_at == NOON

    async def test_parts_left_out_of_a_commit_stay_as_they_are(self) -> None:
        links, _, fence = await self.linked_store()
        await links.commit(Commit("a", fence, NOON, looked_at=NOON))
        state = await links.load("a")
        assert state.link == LINK
        assert dict(state.base.left) == dict(BASE.left)

    async def test_a_link_is_replaced_as_a_whole(self) -> None:
        links, _, fence = await self.linked_store()
        gone = replace(LINK, right_version=None, tombstone="right_gone", owner_id=None)
        await links.commit(Commit("a", fence, NOON, link=gone))
        assert (await links.load("a")).link == gone

    async def test_a_writer_with_an_older_fence_is_refused_after_a_newer_commit(self) -> None:
        links, _, fence = await self.linked_store()
        newer = (await links.load("a")).fence
        await links.commit(Commit("a", newer, NOON, link=replace(LINK, right_version="row-2")))
        await _assert_stale(links.commit(Commit("a", fence, NOON, link=replace(LINK, right_version="row-9"))))
        state = await links.load("a")
        assert state.link is not None
        assert state.link.right_version == "row-2"

    async def test_a_writer_is_refused_as_soon_as_another_has_loaded(self) -> None:
        """Otherwise its late commit would land behind the other's back: after the read, before the write."""
        links, _ = await self.make_stores()
        stale = (await links.load("a")).fence
        fresh = (await links.load("a")).fence
        await _assert_stale(links.commit(Commit("a", stale, NOON, link=LINK)))
        await _assert_stale(links.declare(INTENT, stale))
        await _assert_stale(links.announce("a", [NOTE], [], stale))
        await links.commit(Commit("a", fresh, NOON, link=LINK))

    async def test_a_load_of_one_record_does_not_refuse_the_writer_of_another(self) -> None:
        links, _ = await self.make_stores()
        fence = (await links.load("a")).fence
        await links.load("b")
        await links.commit(Commit("a", fence, NOON, link=LINK))
        assert (await links.load("a")).link == LINK

    async def test_an_intent_is_kept_as_it_was_declared(self) -> None:
        links, _ = await self.make_stores()
        await links.declare(INTENT, (await links.load("a")).fence)
        found = (await links.load("a")).intent
        assert found is not None
        assert (found.left_id, dict(found.fingerprint)) == ("a", dict(INTENT.fingerprint))

    async def test_an_intent_that_stands_is_not_replaced(self) -> None:
        links, _ = await self.make_stores()
        await links.declare(INTENT, (await links.load("a")).fence)
        later = Intent("a", {"name": "other"}, NOON + timedelta(minutes=1))
        await _assert_stale(links.declare(later, (await links.load("a")).fence))
        found = (await links.load("a")).intent
        assert found is not None
        assert dict(found.fingerprint) == dict(INTENT.fingerprint)

    async def test_the_link_and_the_end_of_its_intent_are_one_step(self) -> None:
        links, _ = await self.make_stores()
        fence = (await links.load("a")).fence
        await links.declare(INTENT, fence)
        await links.commit(Commit("a", fence, NOON, link=LINK, base=BASE, drop_intent=True))
        state = await links.load("a")
        assert (state.link, state.intent) == (LINK, None)

    async def test_the_link_of_a_desks_row_ends_the_intent_to_import_it(self) -> None:
        links, _ = await self.make_stores()
        for right_id in ("101", "102"):
            key = f"{IMPORT}{right_id}"
            await links.declare(replace(INTENT, left_id=key), (await links.load(key)).fence)
        await links.commit(Commit("a", (await links.load("a")).fence, NOON, link=LINK))
        assert [(await links.load(f"{IMPORT}{one}")).intent is None for one in ("101", "102")] == [True, False]

    async def test_a_right_record_of_another_live_link_is_ambiguous_and_nothing_is_kept(self) -> None:
        links, _, _ = await self.linked_store()
        fence = (await links.load("b")).fence
        await links.declare(replace(INTENT, left_id="b"), fence)
        claim = Commit("b", fence, NOON, link=replace(LINK, left_id="b"), drop_intent=True, raise_notes=["x"])
        assert await _candidates_of(links.commit(claim)) == ("a",)
        state = await links.load("b")
        assert state.link is None
        assert state.intent is not None
        assert not state.notes

    async def test_a_tombstone_lets_its_right_record_go(self) -> None:
        links, _, fence = await self.linked_store()
        await links.commit(Commit("a", fence, NOON, link=replace(LINK, tombstone="left_deleted")))
        other = replace(LINK, left_id="b")
        await links.commit(Commit("b", (await links.load("b")).fence, NOON, link=other))
        assert await links.linked(["101"]) == {"101": "b"}

    async def test_records_that_claim_our_right_record_are_its_rivals(self) -> None:
        links, _, _ = await self.linked_store()
        for left_id in ("c", "b"):
            rival = replace(LINK, left_id=left_id, tombstone="duplicate")
            await links.commit(Commit(left_id, (await links.load(left_id)).fence, NOON, link=rival))
        assert set((await links.load("a")).rivals) == {"b", "c"}
        assert (await links.load("b")).rivals == ()

    async def test_forgetting_removes_link_base_and_notes(self) -> None:
        links, _, fence = await self.linked_store()
        await links.commit(Commit("a", fence, NOON, raise_notes=["told"]))
        await links.commit(Commit("a", fence, NOON, forget=True))
        state = await links.load("a")
        assert (state.link, state.base, state.notes) == (None, Base(), frozenset())
        assert await links.linked(["101"]) == {}

    async def test_a_pending_note_goes_when_it_is_raised(self) -> None:
        links, _ = await self.make_stores()
        fence = (await links.load("a")).fence
        await links.announce("a", [NOTE, replace(NOTE, cause="adopted:name", expected=None)], [], fence)
        assert {note.cause for note in (await links.load("a")).pending} == {"conflict:name", "adopted:name"}
        fence = (await links.load("a")).fence
        await links.commit(Commit("a", fence, NOON, raise_notes=["conflict:name"]))
        state = await links.load("a")
        assert state.notes == {"conflict:name"}
        assert [note.cause for note in state.pending] == ["adopted:name"]

    async def test_a_pending_note_comes_back_as_it_was_and_stays_the_first_of_its_cause(self) -> None:
        links, _ = await self.make_stores()
        fence = (await links.load("a")).fence
        await links.announce("a", [NOTE], [], fence)
        await links.announce("a", [replace(NOTE, text="new", marker="#a-2")], [], fence)
        assert (await links.load("a")).pending == (NOTE,)

    async def test_clearing_a_cause_removes_it_raised_and_pending(self) -> None:
        links, _ = await self.make_stores()
        fence = (await links.load("a")).fence
        await links.announce("a", [NOTE], [], fence)
        await links.commit(Commit("a", fence, NOON, raise_notes=["brake"]))
        await links.commit(Commit("a", fence, NOON, clear_notes=["brake", "conflict:name"]))
        state = await links.load("a")
        assert (state.notes, state.pending) == (frozenset(), ())

    async def test_what_was_about_to_be_written_is_known_until_the_next_base(self) -> None:
        links, _, fence = await self.linked_store()
        await links.announce("a", [], [replace(ATTEMPT, field="title"), ATTEMPT], fence)
        await links.announce("a", [], [ATTEMPT, POSTED], fence)
        assert (await links.load("a")).attempted == (ATTEMPT, POSTED)
        fence = (await links.load("a")).fence
        await links.commit(Commit("a", fence, NOON, looked_at=NOON))
        assert (await links.load("a")).attempted == (ATTEMPT, POSTED)
        fence = (await links.load("a")).fence
        await links.commit(Commit("a", fence, NOON, base=BASE))
        assert (await links.load("a")).attempted == ()

    async def test_announcing_nothing_forgets_what_was_attempted(self) -> None:
        links, _, fence = await self.linked_store()
        await links.announce("a", [], [ATTEMPT], fence)
        await links.announce("a", [NOTE], [], fence)
        assert (await links.load("a")).attempted == ()

    async def test_parking_and_unparking_are_parts_of_a_commit(self) -> None:
        links, _ = await self.make_stores()
        await park(links, Parked("a", 1, NOON, "remote_unavailable", "advoware: 503"))
        await park(links, Parked("a", 2, NOON + timedelta(minutes=5), "remote_unavailable", "advoware: 503"))
        parked = (await links.load("a")).parked
        assert parked == Parked("a", 2, NOON + timedelta(minutes=5), "remote_unavailable", "advoware: 503")
        fence = (await links.load("a")).fence
        await links.commit(Commit("a", fence, NOON, unpark=True))
        assert (await links.load("a")).parked is None

    async def test_a_commit_can_park(self) -> None:
        links, _ = await self.make_stores()
        parked = Parked("a", 6, NOON, "rejected", "400")
        await links.commit(Commit("a", (await links.load("a")).fence, NOON, unpark=True, park=parked))
        assert (await links.load("a")).parked == parked

    async def test_whoever_was_overtaken_parks_nothing(self) -> None:
        links, _ = await self.make_stores()
        stale = (await links.load("a")).fence
        await links.load("a")
        await _assert_stale(links.commit(Commit("a", stale, NOON, park=Parked("a", 1, NOON, "remote_unavailable"))))
        assert (await links.load("a")).parked is None

    async def test_a_journal_is_taken(self) -> None:
        links, _ = await self.make_stores()
        entry = JournalEntry(NOON, "right.update", "born", "right", "left_changed", "1970-02-28", "1971-02-28", "event")
        await links.commit(Commit("a", (await links.load("a")).fence, NOON, journal=[entry, entry]))
        assert (await links.load("a")).link is None

    async def test_due_records_come_oldest_first_and_bounded(self) -> None:
        links, sweep = await self.make_stores()
        for minutes, left_id in ((3, "c"), (1, "a"), (2, "b"), (9, "d")):
            await park(links, Parked(left_id, 1, NOON + timedelta(minutes=minutes), "reason"))
        assert list(await sweep.due(NOON + timedelta(minutes=3), 10)) == ["a", "b", "c"]
        assert list(await sweep.due(NOON + timedelta(minutes=3), 2)) == ["a", "b"]

    async def test_records_not_looked_at_are_found_and_a_look_ends_that(self) -> None:
        links, sweep, fence = await self.linked_store()
        assert list(await sweep.not_looked_at_since(NOON, 10)) == ["a"]
        await links.commit(Commit("a", fence, NOON, looked_at=NOON))
        assert list(await sweep.not_looked_at_since(NOON, 10)) == []

    async def test_what_is_parked_is_known_and_left_to_its_own_time(self) -> None:
        links, sweep, _ = await self.linked_store()
        assert list(await sweep.parked(["a", "b"])) == []
        await park(links, Parked("a", 1, NOON + timedelta(minutes=1), "reason"))
        assert list(await sweep.parked(["a", "b"])) == ["a"]
        assert list(await sweep.not_looked_at_since(NOON, 10)) == []

    async def test_tombstones_are_not_looked_at(self) -> None:
        links, sweep, fence = await self.linked_store()
        await links.commit(Commit("a", fence, NOON, link=replace(LINK, tombstone="right_gone")))
        assert list(await sweep.not_looked_at_since(NOON, 10)) == []

    async def test_a_link_can_be_looked_up_without_refusing_the_one_who_works_on_it(self) -> None:
        links, _, fence = await self.linked_store()
        assert await links.peek("a") == LINK
        assert await links.peek("nobody") is None
        await links.commit(Commit("a", fence, NOON, looked_at=NOON))

    async def test_tombstones_are_known_too(self) -> None:
        grave = replace(LINK, tombstone="left_deleted")
        links, _, _ = await self.linked_store(grave)
        assert list(await links.known(["101", "102"])) == [grave]
        assert await links.linked(["101"]) == {}

    async def test_a_family_is_who_waits_for_a_parent_and_who_is_linked_below_it(self) -> None:
        _, children, _ = await self.make_family()
        for left_id, parent in (("waits", "p1"), ("stranger", "p2")):
            await park(children, Parked(left_id, 0, NOON, WAITS_FOR_PARENT, parent))
        await park(children, Parked("failed", 1, NOON, "remote_unavailable", "p1"))
        for left_id, right_id in (("linked", "101/7"), ("elsewhere", "1011/7")):
            state = await children.load(left_id)
            await children.commit(Commit(left_id, state.fence, NOON, link=Link(left_id, right_id)))
        assert list(await children.family("p1", ["101"])) == ["linked", "waits"]
        assert list(await children.family("p1", [])) == ["waits"]

    async def test_a_child_that_waits_is_due_once_its_parent_is_linked(self) -> None:
        parents, children, sweep = await self.make_family()
        await park(children, Parked("child", 0, NOON + timedelta(hours=1), WAITS_FOR_PARENT, "a"))
        assert list(await sweep.due(NOON, 10)) == []
        state = await parents.load("a")
        await parents.commit(Commit("a", state.fence, NOON, link=LINK))
        assert list(await sweep.due(NOON, 10)) == ["child"]

    async def test_a_cursor_is_where_it_was_moved_to(self) -> None:
        _, sweep = await self.make_stores()
        assert await sweep.cursor("contract.cursor") is None
        await sweep.move_cursor("contract.cursor", "one")
        await sweep.move_cursor("contract.cursor", "two")
        assert await sweep.cursor("contract.cursor") == "two"

    async def test_what_was_last_seen_of_both_sides_is_known(self) -> None:
        _, sweep, _ = await self.linked_store()
        assert await sweep.left_changes_known(["a", "b"]) == {"a": NOON}
        assert await sweep.right_versions_known(["101", "102"]) == {"101": "row-1"}
        assert await sweep.linked(["101", "102"]) == {"101": "a"}
        assert await sweep.rows_known(["101", "102"]) == {"101": "row-1"}

    async def test_what_a_look_saw_of_a_partys_own_rows_is_known_of_live_links(self) -> None:
        links, sweep, _ = await self.linked_store()
        assert await sweep.lists_seen(["101", "102"]) == {}
        for tombstone, expected in (("", {"101": "c0ffee"}), ("left_deleted", {})):
            state = await links.load("a")
            base = Base(right={**BASE.right, SEEN: "c0ffee"})
            change = Commit("a", state.fence, NOON, link=replace(LINK, tombstone=tombstone), base=base)
            await links.commit(change)
            assert await sweep.lists_seen(["101", "102"]) == expected
            assert await sweep.lists_seen([]) == {}

    async def test_the_row_of_a_tombstone_is_known_and_of_no_interest(self) -> None:
        links, sweep, _ = await self.linked_store(replace(LINK, tombstone="left_deleted"))
        assert await sweep.rows_known(["101", "102"]) == {"101": None}
        state = await links.load("b")
        await links.commit(Commit("b", state.fence, NOON, link=Link("b", "101", "row-2")))
        assert await sweep.rows_known(["101"]) == {"101": "row-2"}


async def _candidates_of(call: Awaitable[None]) -> tuple[str, ...]:
    try:
        await call
    except Ambiguous as error:
        return error.candidates
    raise AssertionError("two live links share a right record")


async def _assert_stale(call: Awaitable[None]) -> None:
    try:
        await call
    except StaleVersion:
        return
    raise AssertionError("a stale writer was let through")
