"""EspoCRM's "Erase personal data": no edit. The office has to retain what Advoware holds, so a person decides. Pure."""

from __future__ import annotations

from recordsync.decide.facts import first_told, there
from recordsync.erased import is_erased
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Close, Step
from synckit.reconcile.plan import Notice, NoticeKind

HELD = "personenbezogene Daten wurden in EspoCRM gelöscht"


def held(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Both sides stay as they are. None for a record that nobody erased, or that a person let go on."""
    left, link = there(seen.left), memory.live_link
    if left is None or link is None or memory.is_released or not is_erased(left.payload):
        return None
    notice = Notice(NoticeKind.ERASED, detail=f"{memory.left_id}")
    message = f"Angehalten: {HELD}. Entscheidung durch die IT."
    return first_told((notice,), memory, seen, rules) or Close(
        "held",
        HELD,
        patch=rules.states.troubled(left.payload, SyncStatus.CONFLICT, message),
        settled=True,
        journal=(("held", {"rule": "erased"}),) if notice_is_new(memory) else (),
    )


def notice_is_new(memory: Memory) -> bool:
    """Whether this look is the first to see it."""
    return not any(cause.startswith(NoticeKind.ERASED.value) for cause in memory.state.notes)
