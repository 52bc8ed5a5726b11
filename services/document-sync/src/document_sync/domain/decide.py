"""What is to be done for one document: one pure function for the handler, for explain and for a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from document_sync.domain.file_steps import file_steps
from document_sync.domain.look import Look
from document_sync.domain.memory import Document, File, digest
from document_sync.domain.shown import shown_digest, to_write, wished
from document_sync.domain.standing import (
    MAY_COME_BACK,
    asked_by_person,
    is_to_be_fetched,
    outcome,
    settled_for,
    standing_row,
    with_standing,
)
from document_sync.domain.steps import (
    NEEDS_DOCUMENT,
    CallRecord,
    Fetch,
    LookWhole,
    Note,
    Plan,
    ReadAgain,
    Remember,
    Show,
    Step,
)
from document_sync.domain.values import DocumentState, Indexing
from document_sync.domain.words import AGAIN, REFUSED

RETRY = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""Between tries of what xAI or EspoCRM refused; the last one for ever."""
NO_COLLECTION = timedelta(minutes=5)
"""A collection that is not there yet calls its documents itself; this is for the case that it does not."""


def decide(look: Look) -> Plan:
    """The steps that are left, in their order, and what is kept once they are done. Without steps all is done."""
    row = standing_row(look)
    steps: list[Step] = [CallRecord(key) for key in sorted(look.links) if _is_stranger(look, key)]
    if _is_doubtful(look, row):
        return Plan((*steps, ReadAgain()), row)
    if is_to_be_fetched(look):
        return _whole(look, Plan((*steps, Fetch(look.attachment)), row))
    if _stands_otherwise(look.document, row):
        steps.append(Remember(row))
    files = files_as_seen(look, row)
    steps += _note(look, row, files)
    for sha256 in sorted(files, key=lambda each: (each != row.sha256, each)):
        steps += file_steps(look, row, files[sha256])
    kept = closing(look, row, files)
    wish = wished(kept, files, look.said)
    if not steps and look.view is not None:
        steps += _show(look, kept, wish)
    return _whole(look, Plan(tuple(steps), replace(kept, shown=shown_digest(look.key, wish))))


def files_as_seen(look: Look, row: Document) -> Mapping[str, File]:
    """All files that concern the document, each with what stands for it now."""
    known = dict(look.files)
    if row.sha256:
        known.setdefault(row.sha256, File(row.sha256))
    settled = settled_for(look, row)
    return {sha256: with_standing(file, row, settled) for sha256, file in known.items()}


def closing(look: Look, row: Document, files: Mapping[str, File]) -> Document:
    """The row as it is kept after this look."""
    state, reason = outcome(look, row, files)
    is_again = state is DocumentState.FAILED and reason == row.reason and not asked_by_person(look)
    is_new_trouble = look.refusal is not None or (reason in MAY_COME_BACK and look.content is not None)
    tries = min(row.tries + 1, len(RETRY)) if is_new_trouble else row.tries if is_again else 0
    kept = replace(row, state=state, reason=reason, tries=tries, looked_at=look.now, notes=row.notes | look.told)
    if state is DocumentState.CLEAN:
        kept = replace(kept, synced_sha256=row.sha256, notes=frozenset())
    elif state is DocumentState.NO_SYNC:
        kept = replace(kept, synced_sha256="", notes=frozenset())
    return replace(kept, due=_due(look, kept, files))


def _due(look: Look, row: Document, files: Mapping[str, File]) -> datetime | None:
    """When it has to be looked at without anybody saying so."""
    if row.state is DocumentState.FAILED:
        if row.reason.startswith(REFUSED) or row.reason in MAY_COME_BACK:
            return look.now + RETRY[max(0, row.tries - 1)] if look.refusal or look.content else row.due
        return None
    if row.state is not DocumentState.PENDING:
        return None
    waiting = [one.due for file in files.values() for one in file.placements.values() if row.id in one.documents]
    soonest = min((at for at in waiting if at is not None), default=None)
    return soonest or look.now + NO_COLLECTION


def _is_stranger(look: Look, key: object) -> bool:
    return key not in look.collections and key not in look.called


def _is_doubtful(look: Look, row: Document) -> bool:
    """It would be taken out somewhere because EspoCRM shows less than before: that is read twice."""
    if look.is_sure or look.is_light:
        return False
    is_gone = look.view is None and bool(look.document.wanted)
    return is_gone or bool(look.document.wanted - look.links) or (bool(look.document.wanted) and not look.attachment)


def _stands_otherwise(known: Document, row: Document) -> bool:
    return (known.attachment, known.sha256, known.wanted) != (row.attachment, row.sha256, row.wanted)


def _note(look: Look, row: Document, files: Mapping[str, File]) -> list[Step]:
    """One a day and content, however many collections it was taken out of."""
    is_lost = any(
        one.status is Indexing.LOST and row.id in one.documents and one.record in row.wanted
        for file in files.values()
        for one in file.placements.values()
    )
    cause = f"again:{digest(look.key, row.id, row.sha256, look.now.date().isoformat())}"
    return [Note(cause, AGAIN)] if is_lost and cause not in row.notes | look.told else []


def _show(look: Look, kept: Document, wish: Mapping[str, object]) -> list[Step]:
    if look.is_light:
        return [] if look.document.shown == shown_digest(look.key, wish) else [Show(wish)]
    values = to_write(wish, look.view.shown if look.view else {}, kept.reason)
    return [Show(values)] if values else []


def _whole(look: Look, plan: Plan) -> Plan:
    """From memory alone only what needs no name and no bytes."""
    if look.is_light and any(isinstance(step, NEEDS_DOCUMENT) for step in plan.steps):
        return Plan((LookWhole(),), plan.document)
    return plan
