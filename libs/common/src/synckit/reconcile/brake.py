"""The brakes: one record that would be emptied waits for a person; many at once stop what would be lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from synckit.reconcile.plan import Base, Canonical, Decision, Emptied, Side
from synckit.reconcile.policy import FieldPolicy

EVERYDAY_FACTOR = 5
"""People do change a name and empty a field: so many times more of that than of what is emptied or gone."""
MANY_FIELDS = 2


class Loss(StrEnum):
    """What a plan would lose on the other side. `EMPTIED`: of its name, or of several fields; `CLEARED`: of one field.

    `DOUBTED`: its source contradicts itself.
    """

    GONE = "gone"
    EMPTIED = "emptied"
    CLEARED = "cleared"
    RENAMED = "renamed"
    DOUBTED = "doubted"

    @property
    def is_everyday(self) -> bool:
        """What people do all day."""
        return self in (Loss.CLEARED, Loss.RENAMED)


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """How many records one source may lose within `window`: `least`, or `share` of the records looked at meanwhile.

    `retry`: when a held record is looked at again. `patience`: after so long it is believed that all of a few are gone.
    `day`, `day_share`: a second window, by which a drip below the first is seen.
    """

    window: timedelta = timedelta(minutes=15)
    least: int = 5
    share: float = 0.02
    retry: timedelta = timedelta(minutes=5)
    patience: timedelta = timedelta(days=1)
    day: timedelta = timedelta(days=1)
    day_share: float = 0.1

    def allowed(self, looked_at: int) -> int:
        """Records that may lose something, of so many that were looked at."""
        return max(self.least, int(self.share * looked_at))

    def allowed_in_a_day(self, looked_at: int) -> int:
        """Records that may be emptied or gone within a day, of so many that were looked at meanwhile."""
        return max(EVERYDAY_FACTOR * self.least, int(self.day_share * looked_at))


@dataclass(frozen=True, slots=True)
class Tally:
    """How one source stands within the window, the record that asks included.

    `lost`: records that are gone, emptied or doubted; `everyday`: renamed, or with one field cleared; `alike`: renamed
    to the very same value.
    `lent`: the version shown is another record's. `engaged`: it is held already, and records wait for a person.
    `released`: a person lets this source go on. `waited`: seconds for which the record that asks was counted for the
    same loss.
    """

    lost: int = 0
    everyday: int = 0
    alike: int = 0
    looked_at: int = 0
    lent: bool = False
    engaged: bool = False
    released: bool = False
    waited: float = 0.0
    lost_in_a_day: int = 0
    looked_at_in_a_day: int = 0

    def exceeds(self, limits: BrakeLimits) -> bool:
        """True where this is no work of people any more."""
        if self.lost_in_a_day > limits.allowed_in_a_day(self.looked_at_in_a_day):
            return True
        allowed = limits.allowed(self.looked_at)
        return self.engaged or max(self.lost, self.alike) > allowed or self.everyday > EVERYDAY_FACTOR * allowed


def loss_of(
    source: Side, decisions: Sequence[Decision], target: Canonical, base: Base, policies: Sequence[FieldPolicy]
) -> tuple[Loss, Decision] | None:
    """The worst that these decisions do to the other side, None where nothing is lost there."""
    essential, side = {p.name for p in policies if p.essential}, source.other
    written = [(d, d.written) for d in decisions if d.write is side and target.get(d.field) is not None]
    cleared = [d for d, value in written if value is None]
    if len(cleared) >= MANY_FIELDS or any(d.field in essential for d in cleared):
        return Loss.EMPTIED, cleared[0]
    for d, value in written:
        if d.field in essential and base.knows(d.field) and value != target[d.field]:
            return Loss.RENAMED, d
    return (Loss.CLEARED, cleared[0]) if cleared else None


def emptied_by(
    left: Canonical, left_writes: Canonical, right: Canonical, right_writes: Canonical, policies: Sequence[FieldPolicy]
) -> Emptied | None:
    """Why the plan is held: an essential field, or more than half of all, would be emptied. None where it may go on."""
    for side, now, writes in ((Side.LEFT, left, left_writes), (Side.RIGHT, right, right_writes)):
        if not writes:
            continue
        blanked = [p for p in policies if p.name in writes and writes[p.name] is None and now[p.name] is not None]
        essential = tuple(p.label for p in blanked if p.essential)
        filled = sum(1 for p in policies if now[p.name] is not None)
        if essential or len(blanked) * 2 > filled:
            return Emptied(side, essential, len(blanked), filled)
    return None
