"""Relative dates of where items ("today", "lastXDays", …), for dates and, in a time zone, for date-times."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.espocrm.clock import FORMAT
from sandbox.espocrm.errors import bad_request, server_error
from sandbox.espocrm.where import WhereItem

RELATIVE = frozenset(
    [
        "today",
        "past",
        "future",
        "lastSevenDays",
        "lastXDays",
        "nextXDays",
        "olderThanXDays",
        "afterXDays",
        "currentMonth",
        "lastMonth",
        "nextMonth",
        "currentQuarter",
        "lastQuarter",
        "currentYear",
        "lastYear",
        "currentFiscalYear",
        "lastFiscalYear",
        "currentFiscalQuarter",
        "lastFiscalQuarter",
    ]
)

Plain = tuple[str, Any]
"""A plain comparison: `between`, `before`, `after`, `equals`, and its value(s)."""


def _int(value: Any) -> int:
    match = re.match(r"\s*[-+]?\d+", str(value))
    return int(match.group(0)) if match else 0


def zone(name: str | None, default: str) -> ZoneInfo:
    """The item's zone or the system's; 400 for an unknown one."""
    try:
        return ZoneInfo(name or default)
    except (KeyError, ValueError, OSError) as error:
        raise bad_request("Bad timezone") from error


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _periods(today: date) -> dict[str, tuple[date, date]]:
    """Calendar periods as [first day, first day after)."""
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    quarter = _add_months(year, (today.month - 1) // 3 * 3)
    found = {
        "currentMonth": (month, _add_months(month, 1)),
        "lastMonth": (_add_months(month, -1), month),
        "nextMonth": (_add_months(month, 1), _add_months(month, 2)),
        "currentQuarter": (quarter, _add_months(quarter, 3)),
        "lastQuarter": (_add_months(quarter, -3), quarter),
        "currentYear": (year, _add_months(year, 12)),
        "lastYear": (_add_months(year, -12), year),
    }
    for name in ("currentQuarter", "lastQuarter", "currentYear", "lastYear"):
        found[name.replace("Quarter", "FiscalQuarter").replace("Year", "FiscalYear")] = found[name]
    return found


def relative_date(kind: str, value: Any, now: datetime) -> Plain:
    """A relative type on a date field."""
    today = now.date()
    days = timedelta(days=_int(value))
    simple: dict[str, Callable[[], Plain]] = {
        "today": lambda: ("equals", str(today)),
        "past": lambda: ("before", str(today)),
        "future": lambda: ("after", str(today)),
        "lastSevenDays": lambda: ("between", (str(today - timedelta(days=7)), str(today))),
        "lastXDays": lambda: ("between", (str(today - days), str(today))),
        "nextXDays": lambda: ("between", (str(today), str(today + days))),
        "olderThanXDays": lambda: ("before", str(today - days)),
        "afterXDays": lambda: ("after", str(today + days)),
    }
    if kind in simple:
        return simple[kind]()
    first, after = _periods(today)[kind]
    return "between", (str(first), str(after - timedelta(days=1)))


class DateTimeTransformer:
    """Items with dateTime=true: their values are local times of a zone and are compared in UTC."""

    def __init__(self, item: WhereItem, tz: ZoneInfo, now: datetime) -> None:
        self.item, self.tz, self.now = item, tz, now.astimezone(tz)

    def transform(self) -> Plain:
        """The plain comparison."""
        kind = self.item.type
        absolute: dict[str, Callable[[], Plain]] = {
            "on": self._on,
            "before": lambda: ("before", self._utc(self._parse(self.item.value))),
            "after": lambda: ("after", self._utc(self._end_of_day(self.item.value))),
            "between": self._between,
        }
        if kind in absolute:
            if not self.item.value:
                raise bad_request("Bad where item. Empty value." if kind != "between" else "Bad where item. Bad value.")
            return absolute[kind]()
        if kind not in RELATIVE:
            raise server_error()
        return self._relative(kind)

    def _parse(self, value: Any) -> datetime:
        try:
            parsed = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise bad_request("Bad date value or timezone.") from error
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=self.tz)

    def _end_of_day(self, value: Any) -> datetime:
        parsed = self._parse(value)
        return parsed + timedelta(days=1, seconds=-1) if len(str(value)) <= len("2026-01-01") else parsed

    @staticmethod
    def _utc(moment: datetime) -> str:
        return moment.astimezone(UTC).strftime(FORMAT)

    def _on(self) -> Plain:
        return "between", (self._utc(self._parse(self.item.value)), self._utc(self._end_of_day(self.item.value)))

    def _between(self) -> Plain:
        value = self.item.value
        if not isinstance(value, list) or len(value) < 2:
            raise bad_request("Bad where item. Bad value.")
        return "between", (self._utc(self._parse(value[0])), self._utc(self._end_of_day(value[1])))

    def _midnight(self, day: date) -> str:
        return self._utc(self._midnight_of(day))

    def _midnight_of(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.tz)

    def _relative(self, kind: str) -> Plain:
        today, now = self.now.date(), self._utc(self.now)
        days = timedelta(days=7 if kind == "lastSevenDays" else _int(self.item.value or 0))
        after_today = self._midnight_of(today + timedelta(days=1))
        end_of_today = self._utc(after_today - timedelta(seconds=1))
        simple: dict[str, Plain] = {
            "today": ("between", (self._midnight(today), end_of_today)),
            "past": ("before", now),
            "future": ("after", now),
            "lastSevenDays": ("between", (self._midnight(today - days), now)),
            "lastXDays": ("between", (self._midnight(today - days), now)),
            "nextXDays": ("between", (now, self._next_days_end(today + days))),
            "olderThanXDays": ("before", self._midnight(today - days)),
            "afterXDays": ("after", self._midnight(today + days)),
        }
        if kind in simple:
            return simple[kind]
        first, after = _periods(today)[kind]
        return "between", (self._midnight(first), self._midnight(after))

    def _next_days_end(self, last: date) -> str:
        """EspoCRM sets 24:59:59, which is 00:59:59 of the next day."""
        after = last + timedelta(days=1)
        return self._utc(datetime(after.year, after.month, after.day, 0, 59, 59, tzinfo=self.tz))
