"""One side is gone: said twice before it is believed, remembered as a tombstone, never a deletion by itself. Pure."""

from __future__ import annotations

from recordsync.decide import guard, parent
from recordsync.decide.facts import claimed_by, first_told, home_of, link_as_seen, parent_link, shown, there
from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.notes import is_due
from recordsync.observation import UNASKED, Deletion, Observation, Parent
from recordsync.questions import AskOwner, ReadLeft, ReadRight
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Close, DeleteRight, Forget, Learn, Observe, Step
from synckit.ports import Link, Snapshot
from synckit.reconcile.plan import Base, Notice, NoticeKind, Side

RIGHT_GONE, LEFT_DELETED, DUPLICATE, UNLINKED = "right_gone", "left_deleted", "duplicate", "unlinked"
KEPT = "kept"
"""Tombstone of a record that was erased in EspoCRM, where IT decided that Advoware keeps its data."""
NOTE_OWED = "note_owed"
"""Reason of the parked row of a record that was given up, and of which a note could be posted nowhere."""
GIVEN_UP = {Side.LEFT: (LEFT_DELETED,), Side.RIGHT: (RIGHT_GONE, LEFT_DELETED)}
"""Tombstones of a parent by which a side may know its rows no more."""


def buried(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A tombstone stays, or is taken back where a person has decided. None for a record that is not buried."""
    link, left = memory.link, there(seen.left)
    if link is None or not link.tombstone:
        return None
    if left is None:
        return _stays(link.tombstone, memory, seen, rules)
    if (question := parent.asked(memory, seen, rules)) is not None:
        return question
    if link.tombstone == LEFT_DELETED:
        return Learn(_revived(memory, link))
    claimed = claimed_by(seen, rules, home_of(rules.mapping.child_of, link))
    if link.tombstone == DUPLICATE:
        step = _duplicate_stays(link, left, seen, rules, claimed)
    else:
        step = _stays_gone(link, left, seen, rules, claimed)
    if isinstance(step, Close) and not step.remembers and not step.patch:
        return _stays(step.result, memory, seen, rules)
    return step


def _stays(result: str, memory: Memory, seen: Observation, rules: Rules) -> Step:
    """Notes of it that nobody could be given are tried again, until they can be."""
    if not memory.state.pending:
        return Close(result, remembers=False)
    if (question := parent.asked(memory, seen, rules)) is not None:
        return question
    if memory.due != memory.state.pending:
        return Learn(replace(memory, due=memory.state.pending))
    return Close(result, owes=True)


def left_gone(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Deleted in EspoCRM. Advoware keeps the party unless the office said otherwise."""
    link = memory.live_link
    if link is None or there(seen.left) is not None:
        return None
    if not seen.left_again:
        return Observe((ReadLeft(again=True),))
    if (question := parent.asked(memory, seen, rules)) is not None:
        return question
    for_good = rules.settings.delete == "when-unused"
    if seen.deletion is Deletion.NOT_ASKED:
        if (held := _guarded(Side.LEFT, link.right_id, memory, seen, rules, for_good=for_good)) is not None:
            return held
        if for_good:
            return DeleteRight(link.right_id)
    if not memory.is_taken_up:
        return Learn(_owing(memory, seen, rules))
    told = first_told(_left_notices(link, seen, rules), memory, seen, rules, owner=link.owner_id)
    return told or Close(
        "deleted_left",
        owes=True,
        settled=True,
        journal=(((LEFT_DELETED), {}),),
        link=replace(link, tombstone=LEFT_DELETED),
        # What we knew of a deleted record goes with it: the base is client data without a purpose from here on.
        base=Base(),
    )


def right_gone(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Deleted in Advoware. Never made again there by itself, never deleted in EspoCRM."""
    if seen.right is UNASKED or seen.right is not None:
        return None
    if not seen.right_again:
        return Observe((ReadRight(seen.right_id, again=True),))
    if (held := _guarded(Side.RIGHT, seen.right_id, memory, seen, rules)) is not None:
        return held
    if not memory.is_taken_up:
        return Learn(_owing(memory, seen, rules))
    is_alone = isinstance(seen.parent, Parent) and not seen.parent.is_there
    notices = () if is_alone else (Notice(NoticeKind.DELETED_RIGHT, detail=f"Nr. {seen.right_id}"),)
    gone = Snapshot(seen.right_id, {})
    return first_told(notices, memory, seen, rules) or Close(
        "deleted_right",
        patch=rules.states.gone(seen.at),
        owes=True,
        settled=True,
        journal=((RIGHT_GONE, {}),),
        link=link_as_seen(memory, seen, rules, gone, tombstone=RIGHT_GONE),
    )


def _left_notices(link: Link, seen: Observation, rules: Rules) -> tuple[Notice, ...]:
    if seen.deletion is Deletion.DONE:
        return ()
    is_tried = seen.deletion is not Deletion.NOT_ASKED
    is_left_over = rules.mapping.child_of is None or there(seen.right) is not None
    kind = NoticeKind.IN_USE if seen.deletion is Deletion.IN_USE else NoticeKind.DELETED_LEFT
    return (Notice(kind, detail=f"Advoware Nr. {link.right_id}"),) if is_left_over or is_tried else ()


def _guarded(
    side: Side, right_id: str, memory: Memory, seen: Observation, rules: Rules, *, for_good: bool = False
) -> Step | None:
    link = seen.parent.link if isinstance(seen.parent, Parent) else None
    if link is not None and link.tombstone in GIVEN_UP[side]:
        return None  # The parent's loss, counted there: a row of it is none of its own.
    return guard.of_deletion(side, right_id, memory, seen, rules, for_good=for_good)


def _owing(memory: Memory, seen: Observation, rules: Rules) -> Memory:
    """What an earlier look overwrote and did not get to tell. On the side that is gone nobody can tell any more."""
    left, right = there(seen.left), there(seen.right)
    gone = [side.value for side, now in ((Side.LEFT, left), (Side.RIGHT, right)) if now is None]
    values = shown(Side.LEFT, left, rules), shown(Side.RIGHT, right, rules)
    due = tuple(n for n in memory.state.pending if n.field and is_due(n, *values, gone))
    return replace(memory, due=due, is_taken_up=True)


def _revived(memory: Memory, link: Link) -> Memory:
    """The record is back in EspoCRM: the two belong together again, without a base."""
    return replace(memory, state=replace(memory.state, link=replace(link, tombstone="")))


def _stays_gone(link: Link, left: Snapshot, seen: Observation, rules: Rules, claimed: str | None) -> Step:
    home, now = home_of(rules.mapping.child_of, link), parent_link(seen)
    if home and now is not None and not now.tombstone and now.right_id != home:
        # A person let the parent be created again: its children begin anew with it.
        return Forget(parent.begins_anew(rules))
    if link.tombstone == KEPT:
        return Forget() if claimed not in (None, link.right_id) else Close(KEPT, remembers=False)
    asked_again = left.payload.get("syncStatus") == SyncStatus.PENDING.value
    if claimed not in (None, link.right_id) or (claimed is None and asked_again):
        return Forget()
    if link.tombstone == UNLINKED:
        return Forget() if claimed is not None else Close(UNLINKED, remembers=False)
    if left.payload.get("syncStatus") != SyncStatus.DELETED_IN_ADVOWARE.value:
        return Close(RIGHT_GONE, patch=rules.states.gone(seen.at), tells=False)
    return Close(RIGHT_GONE, remembers=False)


def _duplicate_stays(link: Link, left: Snapshot, seen: Observation, rules: Rules, claimed: str | None) -> Step:
    if link.right_id not in seen.owners:
        return Observe((AskOwner(link.right_id),))
    other = seen.owners[link.right_id]
    if claimed != link.right_id or other is None:
        return Forget()
    patch = rules.states.troubled(left.payload, SyncStatus.FAILED, claimed_too(rules, link.right_id, other))
    return Close(DUPLICATE, patch=patch, is_best_effort=True, remembers=False)


def claimed_too(rules: Rules, right_id: str, other: str) -> str:
    """What a user reads where two records claim one number."""
    name = rules.mapping.link_attribute
    return f"{name} {right_id} gehört auch zu {other}. Bitte zusammenführen oder die {name} berichtigen."
