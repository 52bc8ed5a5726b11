"""The brake's ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recordsync.testing.memory import FakeLinks
from synckit.ports import BRAKED, Suspicion, Witness
from synckit.reconcile.brake import BrakeLimits, Loss, Tally
from synckit.reconcile.plan import Side

COVERED = timedelta(days=1)


@dataclass
class FakeBrake:
    """`BrakeLedger` over the links of one entity; `engaged` holds the sources that were."""

    links: FakeLinks
    counted: dict[tuple[Side, str], Suspicion] = field(default_factory=dict)
    since: dict[tuple[Side, str], datetime] = field(default_factory=dict)
    engaged: dict[Side, Tally] = field(default_factory=dict)
    released_until: dict[Side, datetime] = field(default_factory=dict)
    covered_until: dict[tuple[Side, Loss], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.links.let_go.append(self._forget)

    def _forget(self, left_id: str) -> None:
        """A record that is held no more wants to lose nothing, of whichever source."""
        self.counted = {key: s for key, s in self.counted.items() if key[1] != left_id}

    async def count(self, suspicion: Suspicion, limits: BrakeLimits) -> Tally:
        source, at = suspicion.source, suspicion.at
        if source in self.released_until and self.released_until[source] > at:
            return Tally(released=True)
        if self.covered_until.get((source, suspicion.loss), at) > at:
            return Tally(released=True)
        since, day_since = at - limits.window, at - limits.day
        self.counted = {
            key: s
            for key, s in self.counted.items()
            if key[0] is not source or s.at >= day_since or self._waits(key[1])
        }
        if not any(side is source and self._waits(left_id) for side, left_id in self.counted):
            self.engaged.pop(source, None)
        known = self.counted.get((source, suspicion.left_id))
        is_over = known is not None and known.at < since and not self._waits(suspicion.left_id)
        if known is None or known.loss is not suspicion.loss or is_over:
            self.since[source, suspicion.left_id] = at
        self.counted[source, suspicion.left_id] = suspicion
        of_the_day = [s for (side, _), s in self.counted.items() if side is source]
        live = [s for s in of_the_day if s.at >= since or self._waits(s.left_id)]
        lent = [self._is_lent(s) for s in live]
        everyday = [s for s, is_lent in zip(live, lent, strict=True) if s.loss.is_everyday and not is_lent]
        return Tally(
            lost=len(live) - len(everyday),
            everyday=len(everyday),
            alike=sum(s.loss is Loss.RENAMED and s.value == suspicion.value for s in everyday),
            looked_at=sum(1 for row in self.links.rows.values() if row.looked_at and row.looked_at >= since),
            lent=self._is_lent(suspicion),
            engaged=source in self.engaged,
            waited=(at - self.since[source, suspicion.left_id]).total_seconds(),
            lost_in_a_day=sum(not s.loss.is_everyday or self._is_lent(s) for s in of_the_day),
            looked_at_in_a_day=sum(
                1 for row in self.links.rows.values() if row.looked_at and row.looked_at >= day_since
            ),
        )

    async def engage(self, source: Side, at: datetime, tally: Tally, limits: BrakeLimits) -> bool:
        is_new = source not in self.engaged
        self.engaged[source] = tally
        return is_new

    async def witnesses(self, left_id: str, limit: int, home: str = "") -> Sequence[Witness]:
        suspected = {one for _, one in self.counted}
        others = [row.link for row in self.links.rows.values() if row.link and not row.link.tombstone]
        apart = [link for link in others if not home or link.right_id.partition("/")[0] != home]
        found = [Witness(link, link.left_id in suspected) for link in apart if link.left_id != left_id]
        return sorted(found, key=lambda each: each.suspected)[:limit]

    def release(self, source: Side, until: datetime) -> None:
        """A person's word. Of deletions it holds for a day: who deletes many on purpose is not asked again."""
        self.released_until[source] = until
        if any(key[0] is source and s.loss is Loss.GONE for key, s in self.counted.items()):
            self.covered_until[source, Loss.GONE] = until + COVERED
        self.engaged.pop(source, None)
        self.counted = {key: s for key, s in self.counted.items() if key[0] is not source}

    def _waits(self, left_id: str) -> bool:
        parked = self.links.rows[left_id].parked if left_id in self.links.rows else None
        return parked is not None and parked.reason == BRAKED

    def _is_lent(self, suspicion: Suspicion) -> bool:
        links = [row.link for row in self.links.rows.values() if row.link and row.link.left_id != suspicion.left_id]
        return bool(suspicion.version) and any(link.right_version == suspicion.version for link in links)
