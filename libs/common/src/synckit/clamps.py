"""Numbers, times and identities that come from outside: the one place that decides which of them are believed. Pure.

Every function takes any value at all and never raises. What can't be is either *clamped* to what can be (waits, page
sizes, lifetimes: some number is needed, and a bound is safe) or counts as *absent*, None or "" (moments, days, numbers
of records: a made-up one would be taken for a fact). A bool is no number, NaN and Infinity are none either.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

FIRST_YEAR = 1970
"""Of a moment. Year 1 and 1899 are how databases say "never"."""
FIRST_DAY_YEAR = 1000
"""Of a day: somebody's birth, a mandate."""
LAST_YEAR = 9998
"""9999 is how databases say "for ever"; a zone or an overlap would lead past what a date can hold."""
HIGHEST_ID = 2**63 - 1
HIGHEST_WAIT = 3600.0
LONGEST_TEXT = 400
"""Characters of a number or a time as text; more is none, and slow to read."""
_DIGITS = re.compile(r"[0-9]{1,40}\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,9})?\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}\Z", re.ASCII)
_HEADER_TEXT = re.compile(r"[!-~]+\Z", re.ASCII)


def number(value: object) -> float | None:
    """A finite number, also out of text. None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        value = value.strip() if len(value) <= LONGEST_TEXT else ""
        if not _NUMBER.match(value):
            return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def seconds(value: object, *, default: float, least: float = 0.0, most: float = HIGHEST_WAIT) -> float:
    """A duration: `default` where it is no number or negative or nothing, else between the two bounds."""
    found = number(value)
    return default if found is None or found <= 0 else min(max(found, least), most)


def remaining(wished: float, *, already: float) -> float:
    """What is left of a wait that was wished for, after `already` seconds of it: 0 to an hour in all."""
    return min(max(wished, 0.0), max(HIGHEST_WAIT - already, 0.0)) if math.isfinite(wished) else 0.0


def whole(value: object, *, least: int = 0, most: int = HIGHEST_ID) -> int | None:
    """A whole number within the bounds, also `12.0` and "12". None for everything else."""
    if isinstance(value, str):
        text = value.strip() if len(value) <= LONGEST_TEXT else ""
        found = int(text) if _DIGITS.match(text) else None
    elif isinstance(value, float):
        found = int(value) if math.isfinite(value) and value.is_integer() else None
    else:
        found = value if isinstance(value, int) and not isinstance(value, bool) else None
    return found if found is not None and least <= found <= most else None


def identity(value: object) -> str:
    """What a record of a remote is told by, as text that may stand in a path: a positive number that a database can
    hold, or a short name. "" where it is neither.
    """
    if isinstance(value, str):
        text = value.strip() if len(value) <= LONGEST_TEXT else ""
        if not _DIGITS.match(text):
            return text if _NAME.match(text) else ""
    found = whole(value, least=1)
    return "" if found is None else str(found)


def version(value: object) -> str:
    """A row id or a version number as text. "" where it is neither text nor number."""
    if isinstance(value, str):
        return value if value.strip() and len(value) <= LONGEST_TEXT else ""
    found = whole(value)
    return "" if found is None else str(found)


def header_text(value: object) -> str:
    """A secret that goes into a header, without what stands around it. "" where no header could carry it."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _HEADER_TEXT.match(text) else ""


def moment(value: object, zone: tzinfo = UTC) -> datetime | None:
    """ISO text → UTC; without a zone it is `zone`'s. None where it is no time, or before 1970, or after 9998."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return believable(parsed, zone)


def believable(at: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The same moment in UTC, None where it can't be one."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    try:
        return at.replace(tzinfo=at.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch(value: object) -> datetime | None:
    """Seconds since 1970 → UTC. None where they are none."""
    found = number(value)
    if found is None or not 0 <= found < _END_OF_TIME:
        return None
    return _EPOCH + timedelta(seconds=found)


def day(value: object) -> date | None:
    """`YYYY-MM-DD`, with or without a time behind it. None where it is none, or its year is not to be believed."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    try:
        found = date.fromisoformat(value[:10])
    except ValueError:
        return None
    return found if FIRST_DAY_YEAR <= found.year <= LAST_YEAR else None


def retry_after(value: object, now: datetime) -> float | None:
    """A header's seconds or HTTP date → seconds from now, 0 to an hour. None where it is neither."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return None
    text = value.strip()
    if _NUMBER.match(text):
        return min(max(float(text), 0.0), HIGHEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0.0), HIGHEST_WAIT)


def parsed_json(text: bytes | str) -> Any:
    """JSON in which every number is one: NaN, Infinity, 1e400 and integers of thousands of digits are read as null.

    ValueError where it is no JSON, and nothing else.
    """
    try:
        return json.loads(text, parse_float=number, parse_constant=_nothing)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        # A huge integer is refused as text that is no JSON is; to look at each one costs more, so only then.
        return _read_slowly(text)


def _read_slowly(text: bytes | str) -> Any:
    try:
        return json.loads(text, parse_int=_small, parse_float=number, parse_constant=_nothing)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _small(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_TEXT else None


def _nothing(_: str) -> None:
    return None


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\Z|[T ])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
