"""A child's parent: where it stands, and how the child waits for one that is not linked yet. Pure."""

from __future__ import annotations

from datetime import timedelta

from recordsync.decide.facts import home_of, there
from recordsync.mapping.child import ChildOf
from recordsync.memory.look import Memory
from recordsync.observation import UNASKED, Observation, Parent
from recordsync.questions import AskParent
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Close, Forget, Observe, Patch, Step, Wait
from synckit.errors import MappingError
from synckit.ports import WAITS_FOR_PARENT, Link, Parked
from synckit.reconcile.plan import Side

PATIENCE = timedelta(hours=1)
"""A child that waits is looked at so often even if nobody tells of its parent."""


def asked(memory: Memory, seen: Observation, rules: Rules) -> Observe | None:
    """The question for the parent. None where it was asked, or the record stands alone."""
    child, left = rules.mapping.child_of, there(seen.left)
    if child is None or seen.parent is not UNASKED:
        return None
    named = str(left.payload.get(child.attribute) or "") if left is not None else ""
    return Observe((AskParent(named, home_of(child, memory.link)),))


def begins_anew(rules: Rules) -> Patch:
    """What a child's record shows once its parent is another one in Advoware: no number, and the wish for one."""
    return {rules.mapping.link_attribute: None, "syncStatus": SyncStatus.PENDING.value}


def of_child(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """None for a record that stands alone, or whose parent is where it was."""
    child, left = rules.mapping.child_of, there(seen.left)
    if child is None or left is None:
        return None
    if seen.parent is UNASKED:
        return asked(memory, seen, rules)
    link = memory.live_link
    return _of_linked(seen.parent, link, child, rules) if link is not None else _missing(memory, seen, rules)


def _of_linked(parent: Parent, link: Link, child: ChildOf, rules: Rules) -> Step | None:
    """A child begins anew where its parent was linked to another party; nobody can move a row to another parent."""
    home = child.parent_of(link.right_id)
    if parent.link is None or parent.link.tombstone or parent.link.right_id == home:
        return None
    if parent.home_owner in ("", parent.left_id):
        return Forget(begins_anew(rules), journal="parent_relinked")
    raise MappingError("Beteiligter", Side.RIGHT.value, "kann dort nicht gewechselt werden")


def _missing(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A child without a parent waits, which is no failure."""
    left, parent = there(seen.left), seen.parent
    if left is None or parent is UNASKED or parent.is_there:
        return None
    if memory.is_waiting:
        return Close("waits_for_parent", remembers=False, unpark=False)
    is_gone = parent.link is not None and parent.link.tombstone == "right_gone"
    shows_it = left.payload.get("syncStatus") == SyncStatus.DELETED_IN_ADVOWARE.value
    patch = rules.states.gone(seen.at) if is_gone and not shows_it else {}
    if not parent.left_id:
        return Close("waits_for_parent", patch=patch, tells=False)
    return Wait(Parked(memory.left_id, 0, seen.at + PATIENCE, WAITS_FOR_PARENT, parent.left_id), patch)
