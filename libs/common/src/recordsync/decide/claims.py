"""Whose right record it is: as the left record claims, as a person corrects it, and where two claim the same. Pure."""

from __future__ import annotations

from recordsync.decide import guard
from recordsync.decide.deletion import DUPLICATE, UNLINKED, claimed_too
from recordsync.decide.facts import claimed_by, first_told, home_of, link_as_seen, there
from recordsync.decide.plausibility import NUMBER_SEEN, ROW_ID
from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.observation import UNASKED, Observation
from recordsync.questions import AskOwner, ReadRight, ReadRivals
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Close, Learn, LinkTo, Observe, Show, Step
from synckit.errors import MappingError
from synckit.ports import Link, Snapshot
from synckit.reconcile.plan import Base, Notice, NoticeKind, Side

WAITS_FOR_A_NUMBER = (
    "Die Verknüpfung mit Advoware Nr. {number} ist gelöst. Bitte die richtige {name} eintragen, oder den Status noch"
    " einmal auf pending_sync setzen: dann wird in Advoware neu angelegt."
)


def corrected(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A person changed or emptied the number of a linked record. A child's number is ours alone, and is put back."""
    link, left = memory.live_link, there(seen.left)
    if link is None or left is None or rules.mapping.child_of is not None or memory.is_taken_up:
        return None
    claimed = claimed_by(seen, rules)
    if claimed == link.right_id:
        return None
    if (held := guard.of_another(memory, seen, rules)) is not None:
        return held
    if claimed is not None:
        return _relinked(link, claimed, memory, seen, rules)
    if NUMBER_SEEN + link.right_id not in memory.state.notes:
        return None
    if left.payload.get("syncStatus") == SyncStatus.PENDING.value:
        return _unlinked(link, left, memory, seen, rules)
    told = Notice(NoticeKind.NUMBER_PUT_BACK, detail=link.right_id)
    return None if told in memory.notices else Learn(replace(memory, notices=(*memory.notices, told)))


def adopted(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A left record that names a right one. Neither is written where another record is linked to that."""
    left = there(seen.left)
    right_id = memory.claim or claimed_by(seen, rules)
    if memory.live_link is not None or left is None or right_id is None:
        return None
    if (contender := _other_owner(right_id, memory, seen)) is not None:
        return contender if isinstance(contender, Observe) else _duplicate(right_id, contender, memory, seen, rules)
    if seen.right is UNASKED or seen.right_id != right_id:
        return Observe((ReadRight(right_id),))
    if seen.right is None:
        # With a version that we wrote beside the number the two were linked: our memory forgot that, in a database that
        # fell back, and no person mistyped. So it was deleted over there.
        is_forgotten = bool(left.payload.get(ROW_ID))
        return None if rules.mapping.child_of is not None or is_forgotten else _unknown(right_id, seen, rules)
    return Learn(replace(memory, result="adopted")) if memory.result == "unchanged" else None


def contested(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A rival still claims our right record: then nothing is written but the state."""
    link, left, rivals = memory.live_link, there(seen.left), memory.state.rivals
    if link is None or left is None or not rivals or memory.is_taken_up:
        return None
    if any(one not in seen.rivals for one in rivals):
        return Observe((ReadRivals(rivals),))
    home = home_of(rules.mapping.child_of, link)
    for one in rivals:
        rival = seen.rivals[one]
        if rival is not None and rules.mapping.linked_to(rival.payload, home) == link.right_id:
            message = claimed_too(rules, link.right_id, one)
            patch = rules.states.troubled(left.payload, SyncStatus.FAILED, message)
            return Close(DUPLICATE, patch=patch, is_best_effort=True, tells=False)
    return None


def _other_owner(right_id: str, memory: Memory, seen: Observation) -> Observe | str | None:
    """Who else is linked to it, or the question."""
    if right_id not in seen.owners:
        return Observe((AskOwner(right_id),))
    owner = seen.owners[right_id]
    return owner if owner != memory.left_id else None


def _relinked(link: Link, claimed: str, memory: Memory, seen: Observation, rules: Rules) -> Step:
    """The old party is let go as it is; the new one is adopted, without a base."""
    contender = _other_owner(claimed, memory, seen)
    if isinstance(contender, Observe):
        return contender
    if contender is not None:
        raise MappingError(rules.mapping.link_attribute, Side.RIGHT.value, f"Nr. {claimed} gehört auch zu {contender}")
    if seen.right_id != claimed:
        return Observe((ReadRight(claimed),))
    right = there(seen.right)
    if right is None:
        return _unknown(claimed, seen, rules)
    told = Notice(NoticeKind.RELINKED, left=link.right_id, right=claimed)
    return first_told((told,), memory, seen, rules) or LinkTo(right, Base(), "relinked")


def _unknown(right_id: str, seen: Observation, rules: Rules) -> Step:
    """A number that Advoware does not know was mistyped: nobody deleted anything."""
    if not seen.right_again:
        return Observe((ReadRight(right_id, again=True),))
    raise MappingError(rules.mapping.link_attribute, Side.RIGHT.value, f"Nr. {right_id} gibt es dort nicht")


def _unlinked(link: Link, left: Snapshot, memory: Memory, seen: Observation, rules: Rules) -> Step:
    """Never posted by itself: the two are apart, and a person says what comes next."""
    told = Notice(NoticeKind.UNLINKED, detail=link.right_id)
    message = WAITS_FOR_A_NUMBER.format(number=link.right_id, name=rules.mapping.link_attribute)
    return first_told((told,), memory, seen, rules) or Close(
        UNLINKED,
        patch=rules.states.troubled(left.payload, SyncStatus.CONFLICT, message),
        settled=True,
        journal=((UNLINKED, {}),),
        link=replace(link, tombstone=UNLINKED),
        base=Base(),
    )


def _duplicate(right_id: str, other: str, memory: Memory, seen: Observation, rules: Rules) -> Step:
    """Two left records claim one right record: neither is written, each names the other."""
    left = there(seen.left)
    if left is None:
        raise AssertionError("a claim needs a left record")
    mine = rules.states.troubled(left.payload, SyncStatus.FAILED, claimed_too(rules, right_id, other))
    if mine and memory.left_id not in memory.shown_on:
        return Show(memory.left_id, mine)
    if other not in seen.rivals:
        return Observe((ReadRivals((other,)),))
    rival = seen.rivals[other]
    if rival is not None and other not in memory.shown_on:
        message = claimed_too(rules, right_id, memory.left_id)
        if patch := rules.states.troubled(rival.payload, SyncStatus.FAILED, message):
            return Show(other, patch)
    return Close(
        DUPLICATE,
        tells=False,
        journal=((DUPLICATE, {}),),
        link=link_as_seen(memory, seen, rules, Snapshot(right_id, {}), tombstone=DUPLICATE),
    )
