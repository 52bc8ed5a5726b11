"""What an answer about a file in a collection means, and when it is asked for again. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from document_sync.domain.memory import Placement
from document_sync.domain.values import Indexed, Indexing

FIRST_POLL = timedelta(seconds=3)
LONGEST_POLL = timedelta(minutes=5)
REINDEX_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
"""After each refusal so long; there is no fourth try."""
ASK_EVERY = timedelta(hours=24)
"""What was indexed is asked for once a day: somebody may have taken it out at xAI."""


def attached(placed: Placement, now: datetime) -> Placement:
    """xAI has it; indexing has begun."""
    return replace(
        placed, status=Indexing.PROCESSING, attached_at=now, due=now + FIRST_POLL, asked_at=None, tries=placed.tries
    )


def answered(placed: Placement, told: Indexed | None, now: datetime) -> Placement:
    """After a look at xAI. None: it is not in the collection."""
    seen = replace(placed, asked_at=now)
    if told is None:
        return replace(seen, status=Indexing.LOST, due=None)
    if told.status is Indexing.PROCESSED:
        return replace(seen, status=Indexing.PROCESSED, tries=0, due=None)
    if told.status is not Indexing.FAILED:
        # Twice as long since it was attached each time: what is stuck costs a call every five minutes.
        waited = now - (placed.attached_at or now)
        return replace(seen, status=Indexing.PROCESSING, due=now + min(max(waited, FIRST_POLL), LONGEST_POLL))
    if placed.tries >= len(REINDEX_AFTER):
        return replace(seen, status=Indexing.FAILED, due=None)
    return replace(seen, status=Indexing.FAILING, due=now + REINDEX_AFTER[placed.tries])


def indexed_again(placed: Placement, now: datetime, *, afresh: bool) -> Placement:
    """A person may begin afresh, with three tries."""
    tries = 0 if afresh else placed.tries + 1
    return replace(placed, status=Indexing.PROCESSING, tries=tries, attached_at=now, due=now + FIRST_POLL)


def is_to_be_asked(placed: Placement, now: datetime) -> bool:
    """Indexing that may be over, or the look of the day."""
    if placed.status is Indexing.PROCESSING:
        return placed.due is None or placed.due <= now
    if placed.status in (Indexing.PROCESSED, Indexing.FAILED):
        return placed.asked_at is None or placed.asked_at + ASK_EVERY <= now
    return False
