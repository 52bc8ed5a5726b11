"""Series: Advoware's rhythm as Google's rule and back, and on which days a rule takes place. Pure.

What Advoware can't hold is never guessed: `held` answers None, and the series is expanded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from calendar_sync.domain.local_time import BERLIN, ZONE, as_moment, as_wall
from calendar_sync.domain.values import Appointment, Every, Recurrence

FREQUENCIES = {Every.DAY: "DAILY", Every.WEEK: "WEEKLY", Every.MONTH: "MONTHLY", Every.YEAR: "YEARLY"}
UNITS = {name: every for every, name in FREQUENCIES.items()}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
SHORTEST_MONTH = 28
LAST_SECOND = time(23, 59, 59)
LOOKED_AHEAD = timedelta(days=730)
MOST_OCCURRENCES = 5_000
"""More than two years of a daily series; a rule that gives more is not walked any further."""
_KNOWN_PARTS = frozenset({"FREQ", "INTERVAL", "UNTIL", "COUNT", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})


@dataclass(frozen=True, slots=True)
class Rule:
    """The recurrence of an event as Google has it. `start` is the wall time of the first occurrence in `zone`."""

    lines: tuple[str, ...]
    start: datetime
    all_day: bool = False
    zone: tzinfo = BERLIN

    def starts(self) -> Iterator[datetime]:
        """Original starts in its own wall time, excluded dates left out. ValueError for a rule that is none."""
        return islice(iter(self._walked()), MOST_OCCURRENCES)

    def berlin_starts(self) -> Iterator[datetime]:
        """The same in Berlin's wall time."""
        for each in self.starts():
            if self.all_day or self.zone is BERLIN:
                yield each
            else:
                yield as_wall(each.replace(tzinfo=self.zone).astimezone(UTC))

    def between(self, first: datetime, last: datetime) -> tuple[datetime, ...]:
        """Starts in Berlin's wall time within the span, both ends included."""
        found: list[datetime] = []
        for each in self.berlin_starts():
            if each > last:
                break
            if each >= first:
                found.append(each)
        return tuple(found)

    def omitted(self) -> tuple[date, ...]:
        """Local days that EXDATE lines take out."""
        dates = [text for line in self.lines if line.upper().startswith("EXDATE") for text in _listed(line)]
        found = (self._local(text) for text in dates)
        return tuple(sorted({each.date() for each in found if each is not None}))

    def _walked(self) -> rruleset:
        walked = rruleset()
        for line in self.lines:
            kind = line.split(":", 1)[0].split(";", 1)[0].upper()
            if kind == "RRULE":
                walked.rrule(_rule_of(self._naive(line), self.start))
            elif kind in ("EXDATE", "RDATE"):
                add = walked.exdate if kind == "EXDATE" else walked.rdate
                for text in _listed(line):
                    if (local := self._local(text)) is not None:
                        add(local)
            else:
                raise ValueError("a line that can't be walked")
        if not any(line.upper().startswith("RRULE") for line in self.lines):
            walked.rdate(self.start)
        return walked

    def _naive(self, line: str) -> str:
        """The rule with an UNTIL in its own wall time, as a rule without a zone needs it."""
        parts = _parts(line)
        if until := parts.get("UNTIL"):
            local = self._until(until)
            parts["UNTIL"] = f"{local:%Y%m%dT%H%M%S}"
        return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())

    def _until(self, text: str) -> datetime:
        """In its own wall time. A bare date counts as a whole."""
        if "T" not in text:
            return datetime.combine(_parsed(text, "%Y%m%d").date(), LAST_SECOND)
        if not text.endswith("Z"):
            return _parsed(text, "%Y%m%dT%H%M%S")
        found = _parsed(text, "%Y%m%dT%H%M%SZ")
        return found if self.all_day else found.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def _local(self, text: str) -> datetime | None:
        """A date of an EXDATE or RDATE in its own wall time."""
        text = text.split("/", 1)[0]
        with suppress(ValueError):
            if "T" not in text:
                day = _parsed(text, "%Y%m%d")
                return day if self.all_day else datetime.combine(day.date(), self.start.time())
            return self._until(text)
        return None


def rule_line(rhythm: Recurrence, start: datetime, *, all_day: bool) -> str:
    """Google's rule for a series of Advoware's. A day that a month lacks is its last one."""
    parts = [f"FREQ={FREQUENCIES[rhythm.every]}"]
    if rhythm.interval > 1:
        parts.append(f"INTERVAL={rhythm.interval}")
    parts += _last_days(rhythm.every, start)
    if rhythm.until is not None:
        parts.append(f"UNTIL={_until_text(rhythm.until, all_day=all_day)}")
    return "RRULE:" + ";".join(parts)


def excluded_line(days: Iterable[date], start: datetime, *, all_day: bool) -> str:
    """The line that takes these days out of a series that begins at `start`."""
    if all_day:
        return "EXDATE;VALUE=DATE:" + ",".join(f"{day:%Y%m%d}" for day in days)
    return f"EXDATE;TZID={ZONE}:" + ",".join(f"{day:%Y%m%d}T{start:%H%M%S}" for day in days)


def held(rule: Rule, appointment: Appointment) -> Recurrence | None:
    """The rhythm as Advoware can hold it; None where it can't."""
    lines = [line for line in rule.lines if line.upper().startswith("RRULE")]
    others = [line for line in rule.lines if line not in lines and not line.upper().startswith("EXDATE")]
    if len(lines) != 1 or others or not _ends_on_its_day(appointment) or rule.start.fold:
        return None
    try:
        rhythm = _rhythm(rule, _parts(lines[0]))
        return rhythm if rhythm is not None and _keeps_berlin_time(rule) else None
    except ValueError:
        return None


def zone_of(name: object) -> tzinfo:
    """A zone by its name, Berlin where there is none or it is not known."""
    if isinstance(name, str) and name and name != "Europe/Berlin":
        with suppress(Exception):
            return ZoneInfo(name)
    return BERLIN


def _rhythm(rule: Rule, parts: dict[str, str]) -> Recurrence | None:
    every = UNITS.get(parts.get("FREQ", ""))
    if every is None or not parts.keys() <= _KNOWN_PARTS or not _is_on_its_day(every, rule.start, parts):
        return None
    interval = int(parts.get("INTERVAL", "1"))
    if interval < 1 or not _begins_with_its_start(rule):
        return None
    return Recurrence(every, interval, _until(rule, parts))


def _until(rule: Rule, parts: dict[str, str]) -> date | None:
    """The last local day on which one may begin."""
    if "COUNT" in parts:
        without = Rule(tuple(line for line in rule.lines if line.upper().startswith("RRULE")), rule.start, rule.all_day)
        return max(without.starts()).date()
    if "UNTIL" not in parts:
        return None
    last = rule._until(parts["UNTIL"])
    ends_before = not rule.all_day and last.time() < rule.start.time()
    return max(last.date() - timedelta(days=int(ends_before)), rule.start.date())


def _is_on_its_day(every: Every, start: datetime, parts: dict[str, str]) -> bool:
    """True where the rule names no other days than those that follow from its start, as Advoware reckons them."""
    named = {name: parts[name] for name in ("BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS") if name in parts}
    expected = dict(part.split("=", 1) for part in _last_days(every, start))
    if expected:
        return named == expected or (every is Every.MONTH and start.day == 31 and named == {"BYMONTHDAY": "-1"})
    allowed = {
        Every.DAY: {},
        Every.WEEK: {"BYDAY": WEEKDAYS[start.weekday()]},
        Every.MONTH: {"BYMONTHDAY": str(start.day)},
        Every.YEAR: {"BYMONTHDAY": str(start.day), "BYMONTH": str(start.month)},
    }[every]
    if every is Every.YEAR and "BYMONTHDAY" in named and "BYMONTH" not in named:
        return False
    return all(allowed.get(name) == value for name, value in named.items())


def _last_days(every: Every, start: datetime) -> list[str]:
    """What makes Google take the last day of a month that is too short."""
    if every is Every.MONTH and start.day > SHORTEST_MONTH:
        days = ",".join(str(day) for day in range(SHORTEST_MONTH, start.day + 1))
        return [f"BYMONTHDAY={days}", "BYSETPOS=-1"]
    if every is Every.YEAR and (start.month, start.day) == (2, 29):
        return ["BYMONTH=2", "BYMONTHDAY=28,29", "BYSETPOS=-1"]
    return []


def _ends_on_its_day(appointment: Appointment) -> bool:
    """Advoware needs `datumBis` for the end of the series: an occurrence can't reach into another day."""
    return appointment.start.date() == appointment.end.date()


def _begins_with_its_start(rule: Rule) -> bool:
    """Google shows a first occurrence that its rule does not give; Advoware always begins with `datum`."""
    lines = tuple(line for line in rule.lines if line.upper().startswith("RRULE"))
    return next(Rule(lines, rule.start, rule.all_day, rule.zone).starts(), None) == rule.start


def _keeps_berlin_time(rule: Rule) -> bool:
    """True where its zone has Berlin's offset at every occurrence of the next two years."""
    if rule.all_day or rule.zone is BERLIN:
        return True
    for each in rule.starts():
        if each > rule.start + LOOKED_AHEAD:
            break
        if each.replace(tzinfo=rule.zone).astimezone(UTC) != as_moment(each):
            return False
    return True


def _until_text(day: date, *, all_day: bool) -> str:
    if all_day:
        return f"{day:%Y%m%d}"
    return f"{as_moment(datetime.combine(day, LAST_SECOND)):%Y%m%dT%H%M%SZ}"


def _parts(line: str) -> dict[str, str]:
    """ValueError for a line that is no rule."""
    told = line.split(":", 1)[1] if ":" in line else ""
    pairs = [part.split("=", 1) for part in told.upper().split(";") if part]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ValueError("no rule")
    return {pair[0]: pair[1] for pair in pairs}


def _listed(line: str) -> Sequence[str]:
    return [text.strip() for text in line.split(":", 1)[-1].split(",") if text.strip()]


def _rule_of(line: str, start: datetime) -> rrule:
    read = rrulestr(line, dtstart=start)
    if not isinstance(read, rrule):
        raise ValueError("several rules in a line")
    return read


def _parsed(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007
