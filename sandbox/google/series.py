"""Series: which occurrences a master has. The arithmetic is python-dateutil's, on the wall clock of the zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from sandbox.google.errors import GoogleError, invalid, too_big
from sandbox.google.times import Time, at_wall, is_all_day, wall, whole_days, zone_of

MOST_OCCURRENCES = 4000
MOST_CHARACTERS = 16_000
LAST_YEAR = 2199
LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z]+=[^:;]+)*):(.+)\Z", re.DOTALL)
UNTIL = re.compile(r"(?<=UNTIL=)([0-9TZ]+)")
OUR_FREQUENCIES = ("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=HOURLY")
STAMP = "%Y%m%dT%H%M%SZ"


def refused() -> GoogleError:
    """What no calendar can expand."""
    return invalid("Invalid recurrence rule.")


def check(recurrence: Any, start: Time) -> list[str]:
    """The lines as they are kept; 400 for what Google does not take."""
    if not isinstance(recurrence, Sequence) or isinstance(recurrence, str):
        raise refused()
    lines = [str(line).strip() for line in recurrence]
    if sum(map(len, lines)) > MOST_CHARACTERS:
        raise too_big()
    if not all(LINE.match(line) for line in lines):
        raise refused()
    try:
        found = next(iter(_expanded(lines, start)), None)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise refused() from None
    if found is None:
        raise invalid("The recurring event has no instances.")
    return lines


def originals(master: Mapping[str, Any], until: datetime | None = None) -> Iterator[Time]:
    """When each occurrence begins by the rule, in order; `until` is a naive wall clock, exclusive."""
    start = master["start"]
    for naive in _known(tuple(master["recurrence"]), tuple(start.items())):
        if until is not None and naive >= until:
            return
        yield at_wall(naive, start)


@lru_cache(maxsize=256)
def _known(lines: tuple[str, ...], start: tuple[tuple[str, str], ...]) -> tuple[datetime, ...]:
    """Expanded once for each form of a series: lists ask again and again."""
    found = takewhile(lambda naive: naive.year <= LAST_YEAR, islice(_expanded(lines, dict(start)), MOST_OCCURRENCES))
    return tuple(found)


def instance_id(master_id: str, original: Mapping[str, str]) -> str:
    """Google's name of an occurrence: the master's, and when it was to begin."""
    if "date" in original:
        return f"{master_id}_{original['date'].replace('-', '')}"
    return f"{master_id}_{datetime.fromisoformat(original['dateTime']).strftime(STAMP)}"


def split_id(event_id: str) -> tuple[str, str] | None:
    """Master and suffix of an occurrence's id, None for an id that is none."""
    found = re.fullmatch(r"(.+)_(\d{8}(?:T\d{6}Z)?)", event_id)
    return (found[1], found[2]) if found else None


def original_of(master: Mapping[str, Any], suffix: str) -> Time | None:
    """The occurrence that a suffix names, if the rule has it."""
    start = master["start"]
    if is_all_day(start) != (len(suffix) == 8):
        return None
    if is_all_day(start):
        naive = datetime.strptime(suffix, "%Y%m%d")  # noqa: DTZ007 -- a date
    else:
        at = datetime.strptime(suffix, STAMP).replace(tzinfo=UTC)
        naive = at.astimezone(ZoneInfo(start["timeZone"])).replace(tzinfo=None)
    wanted = at_wall(naive, start)
    known = originals(master, naive + timedelta(seconds=1) + timedelta(hours=2))
    return wanted if any(each == wanted for each in known) else None


def end_of(master: Mapping[str, Any], original: Time) -> Time:
    """An occurrence lasts as long as the master by the wall clock."""
    return at_wall(wall(original) + whole_days(master["start"], master["end"]), master["end"])


def _expanded(lines: Sequence[str], start: Time) -> rruleset:
    found, first = rruleset(), wall(start)
    has_rule = False
    for line in lines:
        match = LINE.match(line)
        if match is None:
            raise ValueError(line)
        name, parameters, value = match.groups()
        if name in ("RRULE", "EXRULE"):
            rule = _rule(value, start, first)
            (found.rrule if name == "RRULE" else found.exrule)(rule)
            has_rule = has_rule or name == "RRULE"
            continue
        for each in value.split(","):
            (found.rdate if name == "RDATE" else found.exdate)(_moment(each, parameters, start))
    if not has_rule:
        found.rdate(first)
    return found


def _rule(value: str, start: Time, first: datetime) -> rrule:
    """UNTIL becomes wall clock; Google wants it in UTC for a timed series, and a date for days."""
    if not any(part in OUR_FREQUENCIES for part in value.split(";")):
        raise ValueError(value)

    def local(match: re.Match[str]) -> str:
        return _until(match[1], start).strftime("%Y%m%dT%H%M%S")

    rule = rrulestr(f"RRULE:{UNTIL.sub(local, value)}", dtstart=first)
    if not isinstance(rule, rrule):
        raise TypeError(value)
    return rule


def _until(text: str, start: Time) -> datetime:
    if is_all_day(start):
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 -- a date
    at = datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    return at.astimezone(ZoneInfo(start["timeZone"])).replace(tzinfo=None)


def _moment(text: str, parameters: str, start: Time) -> datetime:
    """A date of RDATE or EXDATE as the series' wall clock."""
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 -- a date
    if is_all_day(start):
        raise ValueError(text)
    zone = re.search(r";TZID=([^;:]+)", parameters)
    if text.endswith("Z"):
        at = datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    else:
        at = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=zone_of(zone[1] if zone else start["timeZone"]))
    return at.astimezone(ZoneInfo(start["timeZone"])).replace(tzinfo=None)
