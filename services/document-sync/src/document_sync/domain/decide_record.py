"""What is to be done for a record that may have a collection: one pure function for handler, explain and dry run.

Only a switch that was read as `false` twice takes back, or a person's withdrawal: a record that is gone, a switch that
is null or absent, and answers that hold nothing never do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from document_sync.domain.look import Refusal
from document_sync.domain.memory import Collection
from document_sync.domain.naming import collection_name
from document_sync.domain.record_steps import (
    AskCollection,
    CallDocuments,
    CreateCollection,
    DropCollection,
    FindCollection,
    Keep,
    RecordPlan,
    RecordStep,
    TakeBack,
    WriteId,
)
from document_sync.domain.steps import Note, ReadAgain
from document_sync.domain.values import Phase, Switch
from document_sync.domain.words import CANT_CREATE, COLLECTION_AGAIN, HELD, REFUSED

ASK_EVERY = timedelta(hours=24)
HELD_FOR = timedelta(minutes=5)
RETRY = timedelta(hours=1)
LEAST, SHARE = 5, 0.02
GONE = "gone:"


@dataclass(frozen=True, slots=True)
class RecordView:
    """A record as EspoCRM shows it."""

    switch: Switch
    collection_id: str = ""
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class WishTally:
    """Collections that are to be taken back or were within the last hour, this one not counted; and how many live."""

    wished: int = 0
    live: int = 0

    @property
    def is_too_many(self) -> bool:
        """With one more."""
        return self.wished + 1 > max(LEAST, int(SHARE * self.live))


@dataclass(frozen=True, slots=True)
class RecordLook:
    """One look. `view` is None where EspoCRM has no such record. `is_sure`: it was read twice.

    `found`: collections of its name, None where nobody asked; `is_gone`: xAI has no such collection. `out`: sha256 of
    files that were sent for it and not taken back. `calls`: its documents are to be called whatever is found.
    """

    now: datetime
    row: Collection
    view: RecordView | None
    is_sure: bool = False
    tally: WishTally = WishTally()
    found: tuple[str, ...] | None = None
    is_gone: bool = False
    out: frozenset[str] = frozenset()
    calls: bool = False
    called: bool = False
    refusal: Refusal | None = field(default=None)
    told: frozenset[str] = frozenset()


def decide_record(look: RecordLook) -> RecordPlan:
    """The steps that are left, in their order, and what is kept once they are done. Without steps all is done."""
    if look.row.phase is Phase.CLOSING:
        return _closing(look)
    if look.row.withdrawn and _has_something(look):
        return _close(look, look.row)
    switch = look.view.switch if look.view else Switch.UNTOLD
    if switch is Switch.OFF and _has_something(look):
        return _switched_off(look)
    row = _switched(look.row, switch)
    if row.is_active:
        return _active(look, row)
    return _done(look, row, ())


def _has_something(look: RecordLook) -> bool:
    row = look.row
    return row.phase is Phase.LIVE or bool(row.collection_id) or row.intent_at is not None or bool(look.out)


def _switched(row: Collection, switch: Switch) -> Collection:
    """What is not told changes nothing. Off ends a withdrawal: whoever switches on afterwards means it."""
    if switch is Switch.ON:
        return replace(row, switch=switch, wished_at=None, is_held=False, notes=row.notes - {"held"})
    if switch is Switch.OFF:
        return replace(row, switch=switch, withdrawn=False)
    return row


def _switched_off(look: RecordLook) -> RecordPlan:
    if not look.is_sure:
        return RecordPlan((ReadAgain(),), look.row)
    if look.row.wished_at is None:
        # Said before the others are counted: of many at once, in however many workers, each sees all the others.
        wished = replace(look.row, wished_at=look.now)
        then = _counted(replace(look, row=wished))
        return RecordPlan((Keep(wished), *then.steps), then.row)
    return _counted(look)


def _counted(look: RecordLook) -> RecordPlan:
    row = look.row
    if not look.tally.is_too_many:
        return _close(look, row)
    held = replace(row, is_held=True, due=look.now + HELD_FOR)
    note = Note("held", HELD.format(type=row.key.type, id=row.key.id))
    first = () if row.is_held else (Keep(replace(held, notes=row.notes)),)
    return _done(look, held, (*first, *_noted(look, note)))


def _close(look: RecordLook, row: Collection) -> RecordPlan:
    """From here on no document attaches anything; a crash goes on with it, whatever the switch says by then."""
    wished = row.wished_at or look.now
    closing = replace(row, phase=Phase.CLOSING, switch=Switch.OFF, is_held=False, wished_at=wished, due=look.now)
    return RecordPlan((Keep(closing), *_emptied(look)), closing)


def _emptied(look: RecordLook) -> Sequence[RecordStep]:
    return [TakeBack(sha256) for sha256 in sorted(look.out)]


def _closing(look: RecordLook) -> RecordPlan:
    row = look.row
    steps: list[RecordStep] = list(_emptied(look))
    if row.collection_id:
        steps.append(DropCollection(row.collection_id))
    elif row.intent_at is not None:
        if look.found is None:
            steps.append(FindCollection(collection_name(row.key)))
        else:
            steps += [DropCollection(each) for each in look.found]
    closed = replace(
        row, phase=Phase.CLOSED, collection_id="", intent_at=None, closed_at=look.now, notes=frozenset(), due=look.now
    )
    # `due` stays until the end: a crash before the documents are called is made good by the next look.
    return RecordPlan((*steps, Keep(closed)), closed)


def _active(look: RecordLook, row: Collection) -> RecordPlan:
    if look.is_gone and row.collection_id:
        return _lost(look, row)
    if not row.collection_id:
        return _created(look, row)
    if row.asked_at is None or row.asked_at + ASK_EVERY <= look.now:
        return RecordPlan((*_changed(look, row), AskCollection(row.collection_id)), row)
    return _done(look, row, _changed(look, row))


def _lost(look: RecordLook, row: Collection) -> RecordPlan:
    """Asked twice. Where a list still has it by its name, one of the two answers is wrong, and it stays."""
    if look.found is None:
        return RecordPlan((FindCollection(collection_name(row.key)),), row)
    if row.collection_id in look.found:
        return _done(look, replace(row, asked_at=look.now), ())
    note = Note(f"{GONE}{row.collection_id}", COLLECTION_AGAIN)
    again = replace(row, collection_id="", phase=Phase.NONE, asked_at=None, notes=row.notes | {note.cause})
    return RecordPlan((*_noted(look, note), Keep(again)), again)


def _created(look: RecordLook, row: Collection) -> RecordPlan:
    """Looked for by its name before it is made: also a database may have forgotten that it is there."""
    name = collection_name(row.key)
    if look.refusal is not None:
        reason = f"{REFUSED}{look.refusal.status}"
        note = Note(f"cant_create:{look.refusal.status}", CANT_CREATE.format(status=look.refusal.status))
        failed = replace(row, reason=reason, due=look.now + RETRY, tries=row.tries + 1)
        return _done(look, failed, _noted(look, note))
    if look.found is None:
        return RecordPlan((FindCollection(name),), row)
    if look.found:
        live = replace(
            row, phase=Phase.LIVE, collection_id=look.found[0], intent_at=None, asked_at=look.now, reason="", tries=0
        )
        return RecordPlan((Keep(replace(live, due=look.now)),), live)
    return RecordPlan((CreateCollection(name),), row)


def _changed(look: RecordLook, row: Collection) -> Sequence[RecordStep]:
    """The switch as it is known from now on."""
    known = look.row
    is_same = (row.switch, row.is_held, row.withdrawn) == (known.switch, known.is_held, known.withdrawn)
    return [] if is_same else [Keep(row)]


def _done(look: RecordLook, row: Collection, steps: Sequence[RecordStep]) -> RecordPlan:
    """The record names its collection, its documents are called, and the look is remembered."""
    all_steps = list(steps)
    shown = look.view.collection_id if look.view else row.collection_id
    if look.view is not None and shown != row.collection_id and (row.collection_id or row.phase is Phase.CLOSED):
        all_steps.append(WriteId(row.collection_id))
    if not look.called and (look.calls or _is_due(look)):
        all_steps.append(CallDocuments())
    is_failed = row.reason.startswith(REFUSED) and not row.collection_id
    due = row.due if row.is_held or is_failed else None
    kept = row.notes | look.told
    return RecordPlan(tuple(all_steps), replace(row, looked_at=look.now, due=due, notes=kept))


def _is_due(look: RecordLook) -> bool:
    """Something was changed in this look or before a crash, and the documents have not heard of it."""
    return look.row.due is not None and look.row.due <= look.now and not look.row.is_held


def _noted(look: RecordLook, note: Note) -> Sequence[RecordStep]:
    return [] if note.cause in look.row.notes | look.told else [note]
