"""The brakes: one record that would be emptied waits for a person; many at once stop what would be lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from synckit.reconcile.plan import Base, Canonical, Decision, Side
from synckit.reconcile.policy import FieldPolicy

RENAMED_FACTOR = 5
"""Names do change: so many times more of them than of what is emptied or gone."""


class Loss(StrEnum):
    """What a plan would lose on the other side. `DOUBTED`: its source contradicts itself."""

    GONE = "gone"
    EMPTIED = "emptied"
    RENAMED = "renamed"
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """How many records one source may lose within `window`: `least`, or `share` of the records looked at meanwhile.

    `retry`: when a held record is looked at again.
    """

    window: timedelta = timedelta(minutes=15)
    least: int = 5
    share: float = 0.02
    retry: timedelta = timedelta(minutes=5)

    def allowed(self, looked_at: int) -> int:
        """Records that may lose something, of so many that were looked at."""
        return max(self.least, int(self.share * looked_at))


@dataclass(frozen=True, slots=True)
class Tally:
    """How one source stands within the window, the record that asks included.

    `lost`: records that are gone, emptied or doubted; `renamed`; `alike`: renamed to the very same value.
    `lent`: the version shown is another record's. `engaged`: it is held already, and records wait for a person.
    `released`: a person lets this source go on.
    """

    lost: int = 0
    renamed: int = 0
    alike: int = 0
    looked_at: int = 0
    lent: bool = False
    engaged: bool = False
    released: bool = False

    def exceeds(self, limits: BrakeLimits) -> bool:
        """True where this is no work of people any more."""
        allowed = limits.allowed(self.looked_at)
        return self.engaged or max(self.lost, self.alike) > allowed or self.renamed > RENAMED_FACTOR * allowed


def loss_of(
    source: Side, decisions: Sequence[Decision], target: Canonical, base: Base, policies: Sequence[FieldPolicy]
) -> tuple[Loss, Decision] | None:
    """The worst that these decisions do to the other side, None where nothing is lost there."""
    essential = {p.name for p in policies if p.essential}
    renamed = None
    for d in decisions:
        if d.write is not source.other or target.get(d.field) is None:
            continue
        value = d.left if d.write is Side.LEFT else d.right
        if value is None:
            return Loss.EMPTIED, d
        if d.field in essential and base.knows(d.field) and value != target[d.field]:
            renamed = Loss.RENAMED, d
    return renamed


def held_by_brake(
    left: Canonical, left_writes: Canonical, right: Canonical, right_writes: Canonical, policies: Sequence[FieldPolicy]
) -> str:
    """Why the plan is held, "" where it may go on."""
    for side, now, writes in ((Side.LEFT, left, left_writes), (Side.RIGHT, right, right_writes)):
        if not writes:
            continue
        blanked = [p for p in policies if p.name in writes and writes[p.name] is None and now[p.name] is not None]
        essential = [p.label for p in blanked if p.essential]
        if essential:
            return f"{', '.join(essential)} würde geleert ({_NAMES[side]})"
        filled = sum(1 for p in policies if now[p.name] is not None)
        if len(blanked) * 2 > filled:
            return f"{len(blanked)} von {filled} Feldern würden geleert ({_NAMES[side]})"
    return ""


_NAMES = {Side.LEFT: "EspoCRM", Side.RIGHT: "Advoware"}
