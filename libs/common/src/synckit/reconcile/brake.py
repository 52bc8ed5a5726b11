"""The brake for one record: a plan that would blank a name, or more than half of what is filled, waits for a person."""

from __future__ import annotations

from collections.abc import Sequence

from synckit.reconcile.plan import Canonical, Side
from synckit.reconcile.policy import FieldPolicy


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
