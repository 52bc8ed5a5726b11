"""Time: slots of a timer, and where a cursor goes. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

SKEW = timedelta(minutes=10)
"""How far a remote's clock may be off before a cursor could pass a change."""
FIRST_LOOK = timedelta(hours=24)
"""How far back the first look goes."""


def slot(now: datetime, seconds: float) -> int:
    """The number of the interval that `now` lies in; the same on every replica."""
    return int(now.timestamp() // seconds)


def until_next_slot(now: datetime, seconds: float) -> float:
    """Seconds, never 0."""
    return (slot(now, seconds) + 1) * seconds - now.timestamp() or seconds


def start_of(cursor: str | None, now: datetime, overlap: timedelta) -> datetime:
    """Where a look begins. A cursor that is unreadable is none."""
    try:
        at = datetime.fromisoformat(cursor or "")
    except ValueError:
        return now - FIRST_LOOK
    return (at if at.tzinfo else now - FIRST_LOOK) - overlap


def next_cursor(previous: str | None, began: datetime, newest: datetime | None = None, *, capped: bool = False) -> str:
    """The newest that was seen, or the begin of the look less the skew, so that an old burst is not read for ever.

    Never back. After a look that was cut short no further than what it saw.
    """
    moments = [] if capped and newest else [began - SKEW]
    moments += [newest] if newest else []
    try:
        before = datetime.fromisoformat(previous or "")
    except ValueError:
        before = began - FIRST_LOOK
    return max([*moments, *([before] if before.tzinfo else [])]).isoformat()


def believable(since: datetime, now: datetime, limit: int, most: int) -> int:
    """How many changed rows are believed: for the last hour `limit`, for more than that as many as there are."""
    return limit if now - since <= timedelta(hours=1) else most
