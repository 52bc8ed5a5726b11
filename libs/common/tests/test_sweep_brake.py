"""The brake for sweeps, its pure part: what can't be true, what would be lost, how much is too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordsync.decide.plausibility import ANOTHERS, CONTRADICTS, REFUSED, Doubt, Evidence, doubted
from synckit.ports import Link, Snapshot
from synckit.reconcile.brake import BrakeLimits, Loss, Tally, loss_of
from synckit.reconcile.plan import Base, Canonical, Decision, Rule, Side
from synckit.reconcile.policy import FieldPolicy
from synckit.skew import Skew

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINK = Link("p1", "101", "row 1", left_seen_at=NOON, right_changed_at=NOON)
AGREED: Canonical = {"name": "Probe", "titel": "Dr."}
BASE = Base(AGREED, AGREED)
POLICIES = (FieldPolicy("name", "Name", essential=True), FieldPolicy("titel", "Titel"))
ESSENTIAL = frozenset({"name"})


def evidence(**parts: Any) -> Evidence:
    seen = Evidence(
        LINK,
        looked_at=NOON + timedelta(minutes=1),
        notes=frozenset(),
        left=Snapshot("p1", {}, changed_at=NOON),
        right=Snapshot("101", {}, version="row 1", changed_at=NOON),
        claims="101",
    )
    return replace(seen, **parts)


def from_right(name: str, value: str | None) -> tuple[dict[Side, Canonical], list[Decision]]:
    """The right side shows another value, which goes to the left."""
    now: dict[Side, Canonical] = {Side.LEFT: AGREED, Side.RIGHT: {**AGREED, name: value}}
    return now, [Decision(name, Rule.RIGHT_CHANGED, value, value, Side.LEFT)]


def from_left(name: str, value: str | None) -> tuple[dict[Side, Canonical], list[Decision]]:
    now: dict[Side, Canonical] = {Side.LEFT: {**AGREED, name: value}, Side.RIGHT: AGREED}
    return now, [Decision(name, Rule.LEFT_CHANGED, value, value, Side.RIGHT)]


def asked(seen: Evidence, told: tuple[dict[Side, Canonical], list[Decision]]) -> Doubt | None:
    return doubted(seen, BASE, *told, essential=ESSENTIAL)


def row(version: str, at: datetime | None) -> Snapshot:
    return Snapshot("101", {}, version=version, changed_at=at)


def test_another_value_under_the_same_row_id_is_doubted() -> None:
    assert asked(evidence(), from_right("titel", "Prof.")) == Doubt(Side.RIGHT, CONTRADICTS)


@pytest.mark.parametrize("at", [NOON + timedelta(seconds=1), NOON - timedelta(seconds=2), None])
def test_another_value_under_a_new_row_id_is_an_edit(at: datetime | None) -> None:
    assert asked(evidence(right=row("row 2", at)), from_right("titel", "Prof.")) is None


def test_a_row_id_from_before_is_an_old_snapshot() -> None:
    seen = evidence(right=row("row 0", NOON - timedelta(minutes=1)))
    assert (seen.is_older(Side.RIGHT), seen.is_older(Side.LEFT)) == (True, False)


def test_a_field_that_the_left_refused_at_that_row_id_is_no_contradiction() -> None:
    seen = evidence(notes=frozenset({REFUSED + "titel"}))
    assert asked(seen, from_right("titel", "Prof.")) is None
    assert asked(seen, from_right("name", "Probst")) is not None


def test_another_value_at_a_time_that_we_have_seen_later_is_doubted() -> None:
    assert asked(evidence(), from_left("titel", "Prof.")) == Doubt(Side.LEFT, CONTRADICTS)


def test_two_edits_within_one_second_of_espocrm_are_both_edits() -> None:
    assert asked(evidence(looked_at=NOON + timedelta(seconds=1)), from_left("titel", "Prof.")) is None


@pytest.mark.parametrize(("ahead", "seconds", "is_unmoved"), [(600, 60, True), (600, 0.5, False), (-600, 1, False)])
def test_a_clock_that_is_off_blinds_no_doubt(ahead: float, seconds: float, is_unmoved: bool) -> None:
    """Whether we looked after the second of EspoCRM's last change is asked by its clock, as it was measured."""
    told = NOON + timedelta(seconds=ahead)
    left = Snapshot("p1", {}, changed_at=told, skew=Skew(ahead - 0.1, ahead + 0.9))
    looked_at = NOON + timedelta(seconds=seconds)
    seen = evidence(link=replace(LINK, left_seen_at=told), left=left, looked_at=looked_at)
    assert seen.is_unmoved(Side.LEFT) is is_unmoved


def test_a_clock_that_was_set_back_by_hours_hides_no_edit() -> None:
    """Its `Date` says so: then a version that was never seen is an edit, and one that was is an old snapshot."""
    link = replace(LINK, seen_before=("rrow 0", "rrow 1"))
    behind = Skew(-3 * 3600.0, -3 * 3600.0 + 1)
    for version, is_older in (("row 2", False), ("row 0", True)):
        right = replace(row(version, NOON - timedelta(hours=3)), skew=behind)
        seen = evidence(link=link, right=right, versions=("", f"r{version}"))
        assert seen.is_older(Side.RIGHT) is is_older


def our_write(changed_by: str | None, **parts: Any) -> Evidence:
    """We looked last in the second of our own write; now that version is shown as that user's."""
    left = Snapshot("p1", {}, changed_at=NOON, changed_by=changed_by)
    return evidence(link=replace(LINK, left_written_by="sync"), left=left, **{"looked_at": NOON, **parts})


def test_another_name_in_a_version_that_we_wrote_is_doubted_and_a_persons_edit_in_that_second_is_not() -> None:
    renamed = from_left("name", "Ander")
    assert asked(our_write("sync"), renamed) == Doubt(Side.LEFT, CONTRADICTS)
    assert asked(our_write("anna"), renamed) is None
    assert asked(our_write("anna", looked_at=NOON + timedelta(minutes=1)), renamed) is None
    assert asked(our_write(None), renamed) is None
    assert asked(our_write("sync", broken_off=True), renamed) is None


def test_what_a_person_saves_while_espocrm_carries_out_our_write_is_believed() -> None:
    """It ends as a version that EspoCRM says is ours."""
    assert asked(our_write("sync"), from_left("titel", "Prof.")) is None
    assert asked(our_write("sync"), from_left("titel", None)) is None
    assert asked(our_write("sync", looked_at=NOON + timedelta(minutes=1)), from_left("titel", "Prof.")) is not None


def test_an_edit_in_espocrm_is_later_and_believed() -> None:
    later = Snapshot("p1", {}, changed_at=NOON + timedelta(minutes=5))
    assert asked(evidence(left=later), from_left("titel", "Prof.")) is None


def test_a_backup_of_espocrm_that_was_played_back_is_doubted() -> None:
    before = Snapshot("p1", {}, changed_at=NOON - timedelta(days=1))
    assert evidence(left=before).is_older(Side.LEFT)


def test_a_new_name_with_another_number_is_anothers() -> None:
    later = Snapshot("p1", {}, changed_at=NOON + timedelta(minutes=5))
    assert asked(evidence(left=later, claims="102"), from_left("name", "Ander")) == Doubt(Side.LEFT, ANOTHERS)
    assert asked(evidence(left=later, claims="102"), from_left("titel", "Prof.")) is None
    assert asked(evidence(left=later, claims=None), from_left("name", "Ander")) is None


@pytest.mark.parametrize(
    ("minutes", "version", "is_older"),
    [(50, "new", False), (70, "new", True), (50, "seen", True), (1, "seen", True)],
)
def test_a_small_step_back_of_a_new_version_is_an_edit(minutes: int, version: str, is_older: bool) -> None:
    """The hour that comes twice, or a clock put right; a version that was there before is an old snapshot."""
    link = replace(LINK, seen_before=("rseen", "rrow 1"))
    right = row(version, NOON - timedelta(minutes=minutes))
    seen = evidence(link=link, right=right, versions=("", f"r{version}"))
    assert seen.is_older(Side.RIGHT) is is_older


def test_links_from_before_this_was_remembered_are_believed_as_they_were() -> None:
    seen = evidence(link=Link("p1", "101", "row 1"), right=row("row 0", NOON - timedelta(days=1)))
    assert asked(seen, from_right("titel", "Prof.")) is None
    assert asked(seen, from_left("titel", "Prof.")) is None


def test_what_is_lost_is_what_is_emptied_or_renamed() -> None:
    def loss(told: tuple[dict[Side, Canonical], list[Decision]], source: Side) -> Loss | None:
        now, decisions = told
        found = loss_of(source, decisions, now[source.other], BASE, POLICIES)
        return found[0] if found else None

    assert loss(from_right("titel", None), Side.RIGHT) is Loss.CLEARED
    assert loss(from_right("name", None), Side.RIGHT) is Loss.EMPTIED
    now, decisions = from_right("titel", None)
    both = [*decisions, Decision("zusatz", Rule.RIGHT_CHANGED, None, None, Side.LEFT)]
    assert loss(({**now, Side.LEFT: {**AGREED, "zusatz": "c/o"}}, both), Side.RIGHT) is Loss.EMPTIED
    assert loss(from_right("titel", "Prof."), Side.RIGHT) is None
    assert loss(from_right("name", "Probst"), Side.RIGHT) is Loss.RENAMED
    assert loss(from_left("name", None), Side.LEFT) is Loss.EMPTIED
    assert loss(from_left("name", None), Side.RIGHT) is None


def test_a_name_without_a_base_is_an_adoption_and_no_loss() -> None:
    now, decisions = from_right("name", "Probst")
    assert loss_of(Side.RIGHT, decisions, now[Side.LEFT], Base(), POLICIES) is None


@given(looked_at=st.integers(0, 100_000))
def test_five_or_two_percent_are_allowed_whichever_is_more(looked_at: int) -> None:
    limits = BrakeLimits()
    allowed = limits.allowed(looked_at)
    assert allowed == max(5, looked_at // 50)
    assert not Tally(lost=allowed, alike=allowed, everyday=5 * allowed, looked_at=looked_at).exceeds(limits)
    assert Tally(lost=allowed + 1, looked_at=looked_at).exceeds(limits)
    assert Tally(alike=allowed + 1, everyday=allowed + 1, looked_at=looked_at).exceeds(limits)
    assert Tally(everyday=5 * allowed + 1, looked_at=looked_at).exceeds(limits)
    assert Tally(engaged=True, looked_at=looked_at).exceeds(limits)
