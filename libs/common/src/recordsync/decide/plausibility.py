"""Whether an answer of a remote can be true, by what it says of itself. Pure.

Advoware gives a new row id with every write, EspoCRM a new time of change: other values under the same one, or a
version older than one that we have seen, are nobody's edit. Source: contracts/advoware.md, contracts/espocrm.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recordsync.decide.facts import claimed_by, home_of, there, version_names
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.rules import Rules
from synckit.ports import Link, Snapshot
from synckit.reconcile.plan import Base, Canonical, Decision, Side
from synckit.skew import RESOLUTION, credible

REFUSED = "refused:"
"""Cause of a field whose base stays behind its version: the other side could not hold the value, or an answer had none.
"""
NUMBER_SEEN = "number_seen:"
"""Cause: EspoCRM has shown our number since we wrote it, so that whoever empties it has had it before him."""
ROW_ID = "advowareRowId"
"""What EspoCRM shows of the last version that we wrote into it; no person types it."""
MARGIN = timedelta(seconds=2)
SMALL_STEP = timedelta(hours=1)
"""The hour that comes twice, or a clock put right: so far back an edit may lie, if we never saw its version before."""
FINAL = timedelta(seconds=1.5)
"""EspoCRM's times have no fractions: two edits may share one, unless we have looked after that second."""
MANY = 2


@dataclass(frozen=True, slots=True)
class Doubt:
    """`side` says something that can't be true. `reason` is for a user."""

    side: Side
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a record, and what both sides show. `claims`: the right id that the left names.

    `broken_off`: a look since the last whole one may have written. `at`: the database's time.
    """

    link: Link
    looked_at: datetime | None
    notes: frozenset[str]
    left: Snapshot
    right: Snapshot
    claims: str | None = None
    broken_off: bool = False
    versions: tuple[str, str] = ("", "")
    at: datetime | None = None

    def is_older(self, side: Side) -> bool:
        """True where the side shows a version from before the one that we know.

        Not where it lies back by a small step, or by as much as its clock is behind, and was never seen: then a clock
        went back, and a person edited.
        """
        if side is Side.RIGHT and self.right.version == self.link.right_version:
            return False
        now, known = self._times(side)
        if not _is_before(now, known):
            return False
        skew = self._shown(side).skew
        behind = timedelta(seconds=skew.behind if skew else 0.0)
        is_small = not _is_before(now, known, SMALL_STEP + behind)
        return not (is_small and self.link.seen_before and self._was_never_seen(side))

    def was_seen(self, side: Side) -> bool:
        """True where the side shows a version of which we know what it holds: nobody's edit can hide in it."""
        return self.versions[side is Side.RIGHT] in self.link.seen_before

    def _was_never_seen(self, side: Side) -> bool:
        return bool(self.versions[side is Side.RIGHT]) and not self.was_seen(side)

    def _shown(self, side: Side) -> Snapshot:
        return self.left if side is Side.LEFT else self.right

    def _times(self, side: Side) -> tuple[datetime | None, datetime | None]:
        """When it was changed last, now and as we know it. What its clock can't have shown yet is no time."""
        shown = self._shown(side)
        known = self.link.left_seen_at if side is Side.LEFT else self.link.right_changed_at
        if self.at is None:
            return shown.changed_at, known
        return credible(shown.changed_at, self.at, shown.skew), credible(known, self.at, shown.skew)

    def is_of_another(self) -> bool:
        """True where EspoCRM answers with the number, or none, and the row id of another record: nobody types both."""
        if self.claims == self.link.right_id or self._row_is_ours():
            return False
        return self.claims is not None or NUMBER_SEEN + self.link.right_id in self.notes

    def _row_is_ours(self) -> bool:
        shown = self.left.payload.get(ROW_ID)
        return bool(shown) and (shown == self.link.right_version or f"r{shown}" in self.link.seen_before)

    def is_unmoved(self, side: Side) -> bool:
        """True where the side says itself that nothing was written since we agreed."""
        if side is Side.RIGHT:
            return self.link.right_version is not None and self.right.version == self.link.right_version
        seen = self.link.left_seen_at
        if seen is None or self.left.changed_at != seen:
            return False
        is_anothers = None not in (self.link.left_written_by, self.left.changed_by) and not self._is_by_us()
        return not is_anothers and self.looked_at is not None and self._is_over(seen, self.looked_at)

    def _is_over(self, second: datetime, at: datetime) -> bool:
        """Whether EspoCRM's clock had left that second behind at that moment of the database's."""
        skew = self.left.skew
        if skew is None:
            return at - second >= FINAL
        return at - second + timedelta(seconds=skew.low) >= RESOLUTION

    def is_still_our_write(self, side: Side) -> bool:
        """True where the last change is still ours. No proof: a person may have saved while EspoCRM carried it out."""
        is_same = (
            side is Side.LEFT and self.left.changed_at is not None and self.left.changed_at == self.link.left_seen_at
        )
        return is_same and self._is_by_us() and not self.broken_off

    def _is_by_us(self) -> bool:
        return self.left.changed_by is not None and self.left.changed_by == self.link.left_written_by


def evidence_of(memory: Memory, seen: Observation, rules: Rules) -> Evidence | None:
    """None where there is no link to hold the answers against, or a side is not there."""
    link, left, right = memory.live_link, there(seen.left), there(seen.right)
    if link is None or left is None or right is None:
        return None
    return Evidence(
        link,
        memory.state.looked_at,
        memory.state.notes,
        left,
        right,
        claimed_by(seen, rules, home_of(rules.mapping.child_of, link)),
        broken_off=bool(memory.state.attempted),
        versions=_version_pair(left, right),
        at=seen.at,
    )


def _version_pair(left: Snapshot, right: Snapshot) -> tuple[str, str]:
    return next(iter(version_names(left, None)), ""), next(iter(version_names(None, right)), "")


def doubted(
    evidence: Evidence,
    base: Base,
    now: Mapping[Side, Canonical],
    decisions: Sequence[Decision],
    *,
    essential: frozenset[str] = frozenset(),
) -> Doubt | None:
    """None where what would be written may well be somebody's edit.

    What is merely older than known holds its own direction only, and is asked by `Evidence.is_older`.
    """
    for source in (Side.RIGHT, Side.LEFT):
        target = source.other
        written = [d.field for d in decisions if d.write is target and _is_news(d, now)]
        if not written:
            continue
        held = base.right if source is Side.RIGHT else base.left
        moved = [f for f in written if base.knows(f) and now[source].get(f) != held[f] and _counts(f, evidence)]
        if moved and (evidence.is_unmoved(source) or _is_grave(moved, now[source], essential, evidence, source)):
            return Doubt(source, CONTRADICTS)
        is_anothers = evidence.claims not in (None, evidence.link.right_id) or evidence.is_of_another()
        if source is Side.LEFT and essential & set(written) and is_anothers:
            return Doubt(source, ANOTHERS)
    return None


def _is_grave(
    moved: Sequence[str], now: Canonical, essential: frozenset[str], evidence: Evidence, source: Side
) -> bool:
    """More than a person may have saved in the moment of our own write: a name, or several fields emptied."""
    emptied = [f for f in moved if now.get(f) is None]
    return (bool(essential & set(moved)) or len(emptied) >= MANY) and evidence.is_still_our_write(source)


OLDER = "zeigt einen älteren Stand als beim letzten Abgleich"
CONTRADICTS = "zeigt andere Werte, ohne dass dort etwas geändert wurde"
ANOTHERS = "zeigt die Angaben eines anderen Datensatzes"
NOBODY = "kennt auch andere Datensätze nicht mehr, die es geben muss"
ALL_GONE = "kennt keinen Datensatz mehr, den es sonst noch gibt"
"""As NOBODY, where nobody is left to ask of whom the same was not said before."""


def _is_before(now: datetime | None, known: datetime | None, by: timedelta = MARGIN) -> bool:
    return now is not None and known is not None and now < known - by


def _is_news(d: Decision, now: Mapping[Side, Canonical]) -> bool:
    if d.write is None:
        return False
    return now[d.write].get(d.field) != d.written


def _counts(name: str, evidence: Evidence) -> bool:
    return REFUSED + name not in evidence.notes
