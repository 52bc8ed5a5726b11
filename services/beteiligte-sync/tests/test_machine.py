"""Two offices' worth of trouble at random: edits on both sides, events doubled, reordered and lost, crashes anywhere.

The oracle keeps its own account of who edited what since a look last came to its end, and shares no code with the core.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from office import Office

from synckit.errors import TransientError
from synckit.testing.faults import Crash

FIELDS = {"titel": "titel", "zusatz": "zusatz", "firstName": "vorname"}
CONSTANT = {"salutationName": "Frau", "dateOfBirth": "1980-02-29", "briefAnrede": "Guten Tag"}
"""Filled and never edited, so that the brake has no reason to hold a record here."""
WORDS = st.sampled_from(["a", "b", "c", None])
IDS = ["p1", "p2", "p3"]
NO_PARTY = "no party"
RECORDS = st.sampled_from(IDS)
LEFT_FIELDS = st.sampled_from(sorted(FIELDS))
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "150"))


class Reconciliation(RuleBasedStateMachine):
    """`queue` holds events not yet delivered; losing one is dropping it from there."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.loop = asyncio.new_event_loop()
        self.queue: list[str] = []
        self.left_edits: dict[str, dict[str, Any]] = {i: {} for i in IDS}
        self.right_edits: dict[str, dict[str, Any]] = {i: {} for i in IDS}
        self.agreed: dict[str, dict[str, Any]] = {}
        self.delivered: dict[str, set[str]] = {i: set() for i in IDS}
        self.doubtful: dict[str, set[str]] = {i: set() for i in IDS}
        self.stood_before: dict[str, dict[str, Any]] = {i: {} for i in IDS}
        self.gone_left: set[str] = set()
        self.gone_right: set[str] = set()

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            self.loop.close()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(step)

    @initialize(name=WORDS)
    def opens(self, name: str | None) -> None:
        self.create("p1", name)

    @rule(record=RECORDS, name=WORDS)
    def create(self, record: str, name: str | None) -> None:
        if record in self.office.left.records or record in self.gone_left:
            return
        self.office.left.seed(record, lastName=f"Name {record}", titel=name, assignedUserId="anna", **CONSTANT)
        self.agreed[record] = dict.fromkeys(FIELDS) | {"titel": name}
        self.queue.append(record)

    @rule(record=RECORDS, attribute=LEFT_FIELDS, value=WORDS)
    def edits_in_espocrm(self, record: str, attribute: str, value: str | None) -> None:
        if record not in self.office.left.records:
            return
        self.office.left.edit(record, **{attribute: value})
        self.left_edits[record][attribute] = value
        # Typed back to what stood there before a look that was broken off wrote it: as if it never had.
        stood = self.stood_before[record]
        self.doubtful[record] |= {attribute} if attribute in stood and stood[attribute] == value else set()
        self.queue.append(record)

    @rule(record=RECORDS, attribute=LEFT_FIELDS, value=WORDS)
    def edits_at_a_desk(self, record: str, attribute: str, value: str | None) -> None:
        betnr = self._betnr(record)
        if betnr is None or betnr not in self.office.right.records:
            return
        self.office.right.edit(betnr, **{FIELDS[attribute]: value})
        self.right_edits[record][attribute] = value
        # Written by a look that was broken off, then edited at the desk: nobody can tell whether the desk saw our
        # value or we never got to write. Either edit may stand; both sides must hold the same.
        self.doubtful[record] |= self.delivered[record] & {attribute}

    @rule(record=RECORDS)
    def deletes_in_espocrm(self, record: str) -> None:
        if self.office.left.records.pop(record, None) is not None:
            self.gone_left.add(record)
            self.queue.append(record)

    @rule(record=RECORDS)
    def deletes_at_a_desk(self, record: str) -> None:
        betnr = self._betnr(record)
        if betnr is not None and self.office.right.records.pop(betnr, None) is not None:
            self.gone_right.add(record)

    @rule(which=st.integers(0, 9))
    def an_event_is_lost(self, which: int) -> None:
        if self.queue:
            self.queue.pop(which % len(self.queue))

    @rule(which=st.integers(0, 9))
    def an_event_is_doubled(self, which: int) -> None:
        if self.queue:
            self.queue.insert(0, self.queue[which % len(self.queue)])

    @rule(which=st.integers(0, 9))
    def an_event_is_delivered_in_any_order(self, which: int) -> None:
        if self.queue:
            self._look(self.queue.pop(which % len(self.queue)))

    @rule(record=RECORDS, point=st.integers(0, 12))
    def a_worker_is_killed(self, record: str, point: int) -> None:
        self.office.faults.crash_at(point)
        self._look(record)
        self.office.faults.clear()
        self.queue.append(record)

    @rule(record=RECORDS, point=st.integers(0, 12), seconds=st.integers(0, 40))
    def a_call_fails(self, record: str, point: int, seconds: int) -> None:
        self.office.faults.fail_at(point, TransientError("lost"))
        self._look(record)
        self.office.faults.clear()
        self.office.clock.advance(seconds)

    @invariant()
    def no_party_has_a_twin(self) -> None:
        names = [r["name"] for r in self.office.right.records.values()]
        assert len(names) == len(set(names))

    def comes_to_rest(self) -> None:
        for _ in range(4):
            self.office.clock.advance(120)
            for record in IDS:
                self._look(record)
        calls = self.office.writes
        for record in IDS:
            self._look(record)
        assert self.office.writes == calls, "a quiet record was written"
        for record in IDS:
            self._both_sides_are_equal(record)
            row = self.office.links.rows.get(record)
            assert row is None or (row.intent is None and not row.pending)

    def _both_sides_are_equal(self, record: str) -> None:
        left = self.office.left.records.get(record)
        betnr = self._betnr(record)
        right = self.office.right.records.get(betnr) if betnr else None
        if left is None:
            return
        if record in self.gone_right:
            assert right is None
            assert left["syncStatus"] == "deleted_in_advoware"
            return
        assert right is not None
        assert left["syncStatus"] == "clean"
        for mine, theirs in FIELDS.items():
            assert left[mine] == right[theirs] == self.agreed[record][mine]

    def _look(self, record: str) -> None:
        before, calls = self._shown(record), len(self.office.right.calls)
        with suppress(Crash, TransientError):
            self.run(self.office.sync(record))
            self._settled(record, set(FIELDS))
            self.delivered[record].clear()
            self.doubtful[record].clear()
            self.stood_before[record].clear()
            return
        # Broken off: what it did write until then was delivered, an edit after it is a new one.
        after = self._shown(record)
        # A party that was found after a lost POST holds what was posted, not what EspoCRM holds by now.
        lags = {f for f in FIELDS if before[f][1] == NO_PARTY and after[f][0] != after[f][1]}
        self._settled(record, {f for f in FIELDS if before[f] != after[f]} - lags)
        self.stood_before[record] |= {f: before[f][0] for f in FIELDS if before[f][0] != after[f][0]}
        # A party that this look found, and wrote to, was there before, though nothing showed it.
        wrote = any(method == "update" for method, _ in self.office.right.calls[calls:])
        unseen = () if wrote else (NO_PARTY,)
        self.delivered[record] |= {f for f in FIELDS if before[f][1] not in (after[f][1], *unseen)}
        # Both typed the same: the look may have come so far as to call that agreed, or not.
        agreed = self.agreed.get(record, {})
        same = {f for f in FIELDS if after[f][0] == after[f][1] != agreed.get(f)}
        self.delivered[record] |= same
        self.stood_before[record] |= {f: agreed.get(f) for f in same}

    def _settled(self, record: str, fields: set[str]) -> None:
        agreed = self.agreed.setdefault(record, {})
        shown = self._shown(record)
        for f in fields:
            old = agreed.get(f)
            if f in self.doubtful[record] and NO_PARTY not in shown[f] and record in self.office.left.records:
                left, right = self.left_edits[record].pop(f, old), self.right_edits[record].pop(f, old)
                assert shown[f][0] in (left, right)
                agreed[f] = shown[f][0]
                continue
            # EspoCRM's edit last: it wins where both are edits, and not one of them back to what stood there.
            for edits in (self.right_edits[record], self.left_edits[record]):
                value = edits.pop(f, old)
                agreed[f] = value if value != old else agreed.get(f)

    def _shown(self, record: str) -> dict[str, tuple[Any, Any]]:
        """Per field: what each side shows; a party that is not there shows nothing."""
        left = self.office.left.records.get(record, {})
        right = self.office.right.records.get(self._betnr(record) or "", {})
        return {mine: (left.get(mine), right.get(theirs, NO_PARTY)) for mine, theirs in FIELDS.items()}

    def _betnr(self, record: str) -> str | None:
        row = self.office.links.rows.get(record)
        return row.link.right_id if row and row.link else None


Reconciliation.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    # A search is made by hand, with another number; the suite repeats what is known to hold.
    derandomize="MACHINE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestReconciliation = Reconciliation.TestCase
