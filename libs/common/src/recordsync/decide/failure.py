"""What can't be mended by trying again: shown in the record's own state, in the words of its user. Pure."""

from __future__ import annotations

from recordsync.decide import guard, refused
from recordsync.decide.facts import link_as_seen, owner_of, there
from recordsync.memory.look import Memory
from recordsync.notes import Wording, marker_of, single
from recordsync.observation import Observation
from recordsync.rules import Rules
from recordsync.states import SyncStatus, explain
from recordsync.steps import Announce, Close, Step, Stop
from synckit.errors import AuthenticationRefused, MappingError, PermanentError, RemoteRejected
from synckit.ports import Link
from synckit.reconcile.plan import Base, Notice, NoticeKind


def failed(memory: Memory, seen: Observation, rules: Rules, error: PermanentError) -> Step:
    """A step that shows the error, or stops where nobody could see it. Our own credentials are no record's fault."""
    left = there(seen.left)
    if isinstance(error, AuthenticationRefused) or left is None:
        return Stop(error)
    if isinstance(error, MappingError) and (held := guard.of_unreadable(error, memory, seen, rules)) is not None:
        return held
    message = explain(error, rules.mapping)
    patch = rules.states.troubled(left.payload, SyncStatus.FAILED, message)
    if patch and not refused.showable(memory, seen, patch):
        # The record can't show it: its user is told in a note, once.
        note = Notice(NoticeKind.NOT_SHOWN, detail=message)
        if (announced := _announced(note, memory, seen, rules)) is not None:
            return announced
    link, base = _kept(error, memory, seen, rules)
    return Close(
        "failed",
        patch=patch,
        tells=bool(memory.told) or bool(memory.due),
        journal=(("failed", {"rule": error.code}),),
        link=link,
        base=base,
    )


def _kept(error: PermanentError, memory: Memory, seen: Observation, rules: Rules) -> tuple[Link | None, Base | None]:
    """What was written before a refusal is agreed on, and two that were brought together are linked.

    Else it would be written anew with every look.
    """
    right = there(seen.right) if isinstance(error, RemoteRejected) else None
    if right is None:
        return None, None
    is_adopted = memory.link is None and memory.result == "adopted"
    link = link_as_seen(memory, seen, rules, right) if is_adopted else None
    is_known = memory.link is not None or link is not None
    return link, memory.base if is_known else None


def _announced(notice: Notice, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Worded without the record, which may be unreadable."""
    link = memory.link
    wording = Wording(rules.mapping, link.right_id if link else "", memory.base.left)
    owner, marker = owner_of(memory, seen, rules), marker_of(memory.left_id, memory.state.fence)
    note = single(notice, wording, owner, marker)
    return Announce((note,)) if note.cause not in memory.causes else None
