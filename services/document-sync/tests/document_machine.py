"""People, looks, crashes, lost answers and lies: what must hold afterwards, whatever happened in between."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from typing import Any

from document_world import World
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from document_sync.domain.values import RecordKey
from document_sync.handlers import Cause
from synckit.errors import RemoteUnavailable, SyncError
from synckit.testing.faults import Crash

KEYS = (RecordKey("CVmhRumungsklage", "k1"), RecordKey("CBeteiligte", "b1"), RecordKey("Account", "a1"))
PAPERS = ("d1", "d2", "d3")
CONTENTS = (b"alpha", b"beta", b"gamma")
records, papers, contents = st.sampled_from(KEYS), st.sampled_from(PAPERS), st.sampled_from(CONTENTS)
WRITES = ["upload", "attach", "detach", "create", "delete_file", "delete_collection"]
POINTS = [f"xai.{write}.{moment}" for write in WRITES for moment in ("before", "after")]
POINTS += ["office.show.after", "office.name_collection.after", "office.tell.after", "store.save.before"]


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class DocumentMachine(RuleBasedStateMachine):
    """Three documents, three records, three contents."""

    world: World

    @initialize(twice=st.booleans(), lists=st.booleans())
    def begin(self, twice: bool, lists: bool) -> None:
        self.world = World()
        self.world.xai.attach_twice_is_fine, self.world.xai.lists_deleted = twice, lists
        for document, content in zip(PAPERS, CONTENTS, strict=True):
            self.world.office.write_paper(document, content)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def attempt(self, work: Coroutine[Any, Any, Any]) -> None:
        """It may crash, or fail; a crash loses what is held in memory."""
        try:
            self.do(work)
        except (Crash, SyncError):
            pass
        finally:
            self.world.faults.clear()
            self.world.locks.held.clear()

    # -- people -------------------------------------------------------------------------------------------------------

    @rule(document=papers, key=records)
    def a_person_links(self, document: str, key: RecordKey) -> None:
        self.world.office.join(document, key)
        self.attempt(self.world.look(document))

    @rule(document=papers, key=records)
    def a_person_unlinks(self, document: str, key: RecordKey) -> None:
        self.world.office.part(document, key)
        self.attempt(self.world.look(document))

    @rule(key=records, value=st.booleans())
    def a_person_switches(self, key: RecordKey, value: bool) -> None:
        self.attempt(self.world.switched(key, value))

    @rule(key=records)
    def a_person_withdraws(self, key: RecordKey) -> None:
        """Where the switch could not be set off, it is not believed before it was off."""
        self.attempt(self.world.records.withdraw(key))

    @rule(document=papers, content=contents)
    def a_person_replaces(self, document: str, content: bytes) -> None:
        self.world.office.write_paper(document, content)
        self.attempt(self.world.look(document))

    @rule(document=papers)
    def a_person_takes_the_file_away(self, document: str) -> None:
        self.world.office.papers[document].attachment = ""
        self.attempt(self.world.look(document))

    @rule(document=papers, name=st.sampled_from(["A.pdf", "B.pdf"]))
    def a_person_renames(self, document: str, name: str) -> None:
        self.world.office.papers[document].name = name
        self.attempt(self.world.look(document))

    @rule(document=papers, is_deleted=st.booleans())
    def a_person_deletes_or_restores(self, document: str, is_deleted: bool) -> None:
        self.world.office.papers[document].is_deleted = is_deleted
        self.attempt(self.world.look(document))

    @rule(which=st.integers(0, 9), is_file=st.booleans())
    def a_person_deletes_at_xai(self, which: int, is_file: bool) -> None:
        xai = self.world.xai
        if is_file and xai.all:
            gone = sorted(xai.all)[which % len(xai.all)]
            xai.all.pop(gone)
            for one in xai.sammlungen.values():
                one.documents.pop(gone, None)
        elif xai.sammlungen:
            xai.sammlungen.pop(sorted(xai.sammlungen)[which % len(xai.sammlungen)])

    # -- looks and troubles -------------------------------------------------------------------------------------------

    @rule()
    def all_that_waits(self) -> None:
        self.attempt(self.world.run())

    @rule(seconds=st.sampled_from([2, 10, 70, 400]))
    def time_passes(self, seconds: int) -> None:
        self.attempt(self.world.pass_time(seconds))

    @rule(document=papers, at=st.integers(0, 30))
    def a_look_crashes(self, document: str, at: int) -> None:
        self.world.faults.crash_at(at)
        self.attempt(self.world.look(document))

    @rule(document=papers, point=st.sampled_from(POINTS))
    def a_look_is_killed_at_a_write(self, document: str, point: str) -> None:
        self.world.faults.hook = self.killing(point)
        self.attempt(self.world.look(document))

    @rule(key=records, value=st.booleans(), point=st.sampled_from(POINTS))
    def a_switch_is_killed_at_a_write(self, key: RecordKey, value: bool, point: str) -> None:
        self.world.faults.hook = self.killing(point)
        self.attempt(self.world.switched(key, value))

    @rule(document=papers, at=st.integers(0, 30), maybe=st.booleans())
    def a_look_loses_an_answer(self, document: str, at: int, maybe: bool) -> None:
        self.world.faults.fail_at(at, RemoteUnavailable("any", "no answer", maybe_applied=maybe))
        self.attempt(self.world.look(document))

    @rule(key=records, value=st.booleans(), at=st.integers(0, 20))
    def a_switch_loses_an_answer(self, key: RecordKey, value: bool, at: int) -> None:
        self.world.faults.fail_at(at, RemoteUnavailable("any", "no answer", maybe_applied=True))
        self.attempt(self.world.switched(key, value))

    @rule(document=papers, lie=st.sampled_from(["office_empty", "office_gone", "xai_empty", "xai_lost"]))
    def a_look_at_lies(self, document: str, lie: str) -> None:
        self.lying(lie, told=True)
        self.attempt(self.world.look(document))
        self.lying(lie, told=False)

    @rule(key=records, lie=st.sampled_from(["office_empty", "office_gone"]))
    def a_record_is_looked_at_by_lies(self, key: RecordKey, lie: str) -> None:
        files = set(self.world.xai.all)
        on = {each for each, one in self.world.office.matters.items() if one.switch is True}
        is_open = key in on
        self.lying(lie, told=True)
        self.attempt(self.world.records.look(key, Cause("e2")))
        self.lying(lie, told=False)
        if is_open and not self.is_closing(key):
            assert files <= set(self.world.xai.all), "a lie has taken something back"

    @rule()
    def a_look_without_a_lock(self) -> None:
        self.world.locks.is_lost = True
        self.attempt(self.world.look("d1"))
        self.world.locks.is_lost = False

    @rule(word=st.sampled_from(["alpha", "beta"]), times=st.integers(0, 3))
    def indexing_fails(self, word: str, times: int) -> None:
        self.world.xai.failing[word] = times

    @rule(days=st.sampled_from([1, 31]))
    def days_pass(self, days: int) -> None:
        self.world.clock.advance(days * 86_400)
        self.attempt(self.world.sweep.carry_out(self.world.memory))

    def is_withdrawn(self, key: RecordKey) -> bool:
        row = self.world.memory.sammlungen.get(key)
        return row is not None and row.withdrawn

    def is_closing(self, key: RecordKey) -> bool:
        row = self.world.memory.sammlungen.get(key)
        return row is not None and str(row.phase) in ("closing",)

    def killing(self, wanted: str) -> Any:
        def kill(point: str) -> None:
            if point == wanted:
                raise Crash

        return kill

    def lying(self, lie: str, *, told: bool) -> None:
        office, xai = self.world.office, self.world.xai
        match lie:
            case "office_empty":
                office.is_empty = told
            case "office_gone":
                office.is_gone = told
            case "xai_empty":
                xai.is_empty = told
            case _:
                xai.is_lost = told

    # -- what must hold -----------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.after_quiet()

    def after_quiet(self) -> None:
        self.settle()
        self.every_collection_is_exact()
        self.every_file_has_a_row()
        self.what_was_taken_back_is_gone()
        self.states_are_true()
        before = self.writes()
        self.do(self.everything_is_looked_at())
        assert before == self.writes(), "a look after quiet writes"

    def writes(self) -> tuple[int, ...]:
        xai, office = self.world.xai, self.world.office
        counted = [xai.calls.count(word) for word in ("attach", "detach", "create", "reindex", "delete_file")]
        return (len(xai.uploads), *counted, office.calls.count("show"), office.calls.count("name_collection"))

    def settle(self) -> None:
        """Two days: what waits for its time, and the looks of the day."""
        self.world.xai.failing.clear()
        for _ in range(3):
            self.do(self.world.daily())
            for _ in range(30):
                self.do(self.world.pass_time(60))

    async def everything_is_looked_at(self) -> None:
        for key in KEYS:
            if key in self.world.office.matters:
                await self.world.record(key)
        for document in PAPERS:
            await self.world.look(document)

    def expected(self, key: RecordKey) -> set[bytes]:
        office = self.world.office
        matter = office.matters.get(key)
        if matter is None or matter.switch is not True or self.is_withdrawn(key):
            return set()
        linked = [office.papers[one] for one, to in office.joined if to == key]
        return {office.bytes[paper.attachment][0] for paper in linked if paper.attachment and not paper.is_deleted}

    def every_collection_is_exact(self) -> None:
        for key in KEYS:
            assert self.world.in_collection(key) == self.expected(key), f"{key}"
        names = [one.name for one in self.world.xai.sammlungen.values()]
        assert len(names) == len(set(names)), "a collection twice"
        contents_of_files = [file.content for file in self.world.xai.all.values()]
        assert len(contents_of_files) == len(set(contents_of_files)), "a file twice"
        for one in self.world.xai.sammlungen.values():
            assert set(one.documents) <= set(self.world.xai.all), "a dead document"

    def every_file_has_a_row(self) -> None:
        known = {one.sha256 for one in self.world.memory.transfers}
        assert set(self.world.xai.uploads) <= known

    def what_was_taken_back_is_gone(self) -> None:
        memory, xai = self.world.memory, self.world.xai
        out = {one.sha256 for one in memory.transfers if one.taken_back is None}
        there = {sha256_of(file.content) for file in xai.all.values()}
        # By its id, or as one that may be there still, which is looked for by its name before it is forgotten.
        assert there <= {sha256 for sha256, file in memory.files.items() if file.is_out}, "a file that nobody remembers"
        assert there <= out, "a file that the transfers call taken back"
        closed = {key for key, one in self.world.office.matters.items() if one.switch is False}
        assert not {one.record for one in memory.transfers if one.taken_back is None} & closed

    def states_are_true(self) -> None:
        for document, paper in self.world.office.papers.items():
            if paper.is_deleted:
                continue
            keys = {key for one, key in self.world.office.joined if one == document}
            switched = {key for key in keys if key in self.world.office.matters}
            on = {key for key in switched if self.world.office.matters[key].switch is True}
            wanted = {key for key in on if not self.is_withdrawn(key)}
            expected = "clean" if wanted and paper.attachment else "no_sync"
            assert paper.shown.get("xaiSyncStatus") == expected, document
