"""Facts that several decisions ask for: both sides' values, the user to tell, the link as it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from recordsync.mapping.child import ChildOf
from recordsync.memory.look import Memory
from recordsync.notes import Wording, single
from recordsync.notes import marker_of as marker
from recordsync.observation import UNASKED, Observation, Unasked
from recordsync.rules import Rules
from recordsync.steps import Announce
from synckit.errors import MappingError
from synckit.ports import Link, PendingNote, Snapshot
from synckit.reconcile.plan import EMPTY, Canonical, Notice, Side

OWNER = "assignedUserId"


def there(fact: Snapshot | Unasked | None) -> Snapshot | None:
    """The record, None where it is gone or nobody asked yet."""
    return None if fact is UNASKED else fact


def both(seen: Observation) -> tuple[Snapshot, Snapshot]:
    """Both sides, where the order of the questions has made sure of both."""
    left, right = there(seen.left), there(seen.right)
    if left is None or right is None:
        raise AssertionError("both sides were read")
    return left, right


def shown(side: Side, snapshot: Snapshot | None, rules: Rules) -> Canonical:
    """Nothing where the record is gone or can't be read: a deletion is not to fail for that."""
    try:
        return rules.values(side, snapshot) if snapshot is not None else EMPTY
    except MappingError:
        return EMPTY


def home_of(child: ChildOf | None, link: Link | None) -> str:
    """The parent's part of a child's right id, "" for a record that stands alone or is not linked."""
    return child.parent_of(link.right_id) if child is not None and link is not None else ""


def parent_link(seen: Observation) -> Link | None:
    """Where the parent stands, None for a record that has none."""
    return None if seen.parent is UNASKED else seen.parent.link


def parent_id(seen: Observation) -> str:
    """The parent's right id, "" where it has none."""
    link = parent_link(seen)
    return link.right_id if link is not None else ""


def claimed_by(seen: Observation, rules: Rules, home: str = "") -> str | None:
    """The right id that the left record names itself. `home`: of a child's own link, else its parent's."""
    left = there(seen.left)
    return rules.mapping.linked_to(left.payload, home or parent_id(seen)) if left is not None else None


def owner_of(memory: Memory, seen: Observation, rules: Rules) -> str | None:
    """The user to tell, as the record itself says; for a child its parent's."""
    left = there(seen.left)
    if rules.mapping.child_of is not None:
        link = parent_link(seen) or memory.link
        return link.owner_id if link is not None else None
    return left.payload.get(OWNER) if left is not None else None


def told_about(memory: Memory, seen: Observation) -> str:
    """The left record whose stream a note goes to: a child's parent."""
    parent = "" if seen.parent is UNASKED else seen.parent.left_id
    return parent or memory.left_id


def wording_of(memory: Memory, seen: Observation, rules: Rules) -> Wording:
    """How the notes of a look are worded."""
    left, right = there(seen.left), there(seen.right)
    right_id = right.id if right is not None else (memory.link.right_id if memory.link else seen.right_id)
    record = rules.values(Side.LEFT, left) if left is not None else memory.base.left
    return Wording(rules.mapping, right_id, record)


def notes_of(
    notices: Iterable[Notice], memory: Memory, seen: Observation, rules: Rules, owner: str | None = None
) -> tuple[PendingNote, ...]:
    """Notes that wait for no write."""
    wording, user = wording_of(memory, seen, rules), owner or owner_of(memory, seen, rules)
    return tuple(single(each, wording, user, marker(memory.left_id, memory.state.fence)) for each in notices)


def first_told(
    notices: Iterable[Notice], memory: Memory, seen: Observation, rules: Rules, owner: str | None = None
) -> Announce | None:
    """The step that writes these notes down. None once they are."""
    notes = tuple(n for n in notes_of(notices, memory, seen, rules, owner) if n.cause not in memory.causes)
    return Announce(notes) if notes else None


def link_as_seen(memory: Memory, seen: Observation, rules: Rules, right: Snapshot, *, tombstone: str = "") -> Link:
    """The link as both sides stand after the last write."""
    known, left = memory.link, there(seen.left)
    owner = owner_of(memory, seen, rules) or (known.owner_id if known else None)
    is_ours = memory.left_writes > 0
    return Link(
        left_id=memory.left_id,
        right_id=right.id,
        right_version=right.version,
        left_changed_at=left.changed_at if left and is_ours else (known.left_changed_at if known else None),
        tombstone=tombstone,
        owner_id=owner,
        left_seen_at=left.changed_at if left else (known.left_seen_at if known else None),
        right_changed_at=right.changed_at or (known.right_changed_at if known else None),
        left_written_by=_written_by(memory, left),
        seen_before=_seen_before(known, left, right),
    )


def _written_by(memory: Memory, left: Snapshot | None) -> str | None:
    """Our own user, where the left shows that its last change is ours."""
    known = memory.link
    if left is None:
        return known.left_written_by if known else None
    is_ours = memory.left_writes > 0 or (
        known is not None and (known.left_seen_at, known.left_written_by) == (left.changed_at, left.changed_by)
    )
    return left.changed_by if is_ours else None


VERSIONS_KEPT = 32
"""Of both sides together. An old snapshot of a version that is forgotten passes for an edit."""


def version_names(left: Snapshot | None, right: Snapshot | None) -> tuple[str, ...]:
    """What tells a version of either side from its other versions."""
    names = []
    if left is not None and left.changed_at is not None:
        names.append(f"l{_digits(left.changed_at)}")
    if right is not None and right.version is not None:
        names.append(f"r{right.version}")
    return tuple(names)


def _digits(at: datetime) -> str:
    """`%Y%m%d%H%M%S`, which `strftime` takes ten times as long for."""
    return f"{at.year}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}{at.second:02}"


def _seen_before(known: Link | None, left: Snapshot | None, right: Snapshot | None) -> tuple[str, ...]:
    """The versions seen last, newest last: an old snapshot is one of them, an edit under a clock set back is none."""
    before = known.seen_before if known is not None else ()
    fresh = version_names(left, right)
    return (*(name for name in before if name not in fresh), *fresh)[-VERSIONS_KEPT:]
