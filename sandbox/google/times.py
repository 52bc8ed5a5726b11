"""Times of an event as Google takes, keeps and shows them: a date, or a moment with a time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.google.errors import GoogleError, invalid, required

Time = dict[str, str]
"""What is kept: {"date"} or {"dateTime" (UTC), "timeZone"}."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})?\Z")


def zone_of(name: Any) -> ZoneInfo:
    """An IANA time zone; 400 for what is none."""
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("Invalid time zone definition.") from None


def kept(given: Any, name: str, calendar_zone: str) -> Time:
    """What Google makes of a `start` or `end`; 400 where it can't be."""
    if not isinstance(given, Mapping):
        raise required(f"Missing {name} time.")
    day, at, zone = given.get("date"), given.get("dateTime"), given.get("timeZone")
    if (day is None) == (at is None):
        raise required(f"Missing {name} time.") if day is None else invalid(f"Invalid {name} time.")
    if day is not None:
        return {"date": _day(day, name).isoformat()}
    moment = rfc3339(at, invalid(f"Invalid {name} time."))
    if zone is not None:
        zone_of(zone)
    if moment.tzinfo is None:
        if zone is None:
            raise required(f"Missing time zone definition for {name} time.")
        moment = moment.replace(tzinfo=zone_of(zone))
    return {"dateTime": _utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ"), "timeZone": str(zone or calendar_zone)}


def rfc3339(given: Any, refusal: GoogleError) -> datetime:
    """A moment, aware where it has an offset; raises the refusal for what is none."""
    if not isinstance(given, str) or not MOMENT.match(given):
        raise refusal
    try:
        return datetime.fromisoformat(given.upper())
    except ValueError:
        raise refusal from None


def _day(given: Any, name: str) -> date:
    try:
        if not isinstance(given, str) or not DATE.match(given):
            raise ValueError(given)
        return date.fromisoformat(given)
    except ValueError:
        raise invalid(f"Invalid {name} time.") from None


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise invalid("Invalid time.") from None


def is_all_day(time: Mapping[str, str]) -> bool:
    return "date" in time


def wall(time: Mapping[str, str]) -> datetime:
    """Naive: the wall clock of the time's own zone; midnight of a date."""
    if "date" in time:
        return datetime.fromisoformat(time["date"])
    return datetime.fromisoformat(time["dateTime"]).astimezone(ZoneInfo(time["timeZone"])).replace(tzinfo=None)


def at_wall(naive: datetime, like: Mapping[str, str]) -> Time:
    """That wall clock as a time of the same form and zone."""
    if "date" in like:
        return {"date": naive.date().isoformat()}
    moment = naive.replace(tzinfo=ZoneInfo(like["timeZone"])).astimezone(UTC)
    return {"dateTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "timeZone": like["timeZone"]}


def moment(time: Mapping[str, str], calendar_zone: str) -> datetime:
    """In UTC; a date begins at midnight where the calendar is."""
    if "date" in time:
        day = datetime.fromisoformat(time["date"]).replace(tzinfo=ZoneInfo(calendar_zone))
        return day.astimezone(UTC)
    return datetime.fromisoformat(time["dateTime"])


def shown(time: Mapping[str, str], zone: str) -> dict[str, Any]:
    """As an answer has it, with the offset of the zone that the reader asked for."""
    if "date" in time:
        return dict(time)
    local = datetime.fromisoformat(time["dateTime"]).astimezone(ZoneInfo(zone))
    text = local.isoformat(timespec="seconds")
    return {"dateTime": text.replace("+00:00", "Z"), "timeZone": time["timeZone"]}


def stamp(at: datetime) -> str:
    """`created` and `updated`: UTC, with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def whole_days(start: Mapping[str, str], end: Mapping[str, str]) -> timedelta:
    """From start to end by the wall clock."""
    return wall(end) - wall(start)
