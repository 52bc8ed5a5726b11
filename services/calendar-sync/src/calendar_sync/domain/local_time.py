"""Berlin's wall time: what Advoware means, and how it becomes a moment. Pure.

Two nights a year are special. An hour that is left out is read as the hour after it; an hour that comes twice is read
as its first time. Lengths are reckoned in moments, never on the wall.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/Berlin"
BERLIN = ZoneInfo(ZONE)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def exists(local: datetime) -> bool:
    """False for a wall time that the clocks leave out."""
    return as_wall(as_moment(local)).replace(fold=0) == local.replace(fold=0)


def as_moment(local: datetime) -> datetime:
    """Wall time → UTC. `fold=1` means the second of two equal wall times."""
    return local.replace(tzinfo=BERLIN).astimezone(UTC)


def as_wall(moment: datetime) -> datetime:
    """A moment → naive wall time, `fold` set where it is the second of two."""
    return moment.astimezone(BERLIN).replace(tzinfo=None)


def on_the_clock(local: datetime) -> datetime:
    """The wall time that people will see: one that is left out becomes the one an hour later."""
    return as_wall(as_moment(local.replace(fold=0))) if not exists(local) else local


def later(local: datetime, by: timedelta) -> datetime:
    """So much later on the wall, reckoned in moments; earlier for a negative length."""
    return as_wall(as_moment(local) + by)


def length(start: datetime, end: datetime) -> timedelta:
    """How long it really lasts."""
    return as_moment(end) - as_moment(start)


def to_minute(local: datetime) -> datetime:
    """Without seconds, as Advoware stores it."""
    return local.replace(second=0, microsecond=0)


def first_moment(day: date) -> datetime:
    """Wall time at which a day begins."""
    return datetime.combine(day, time())
