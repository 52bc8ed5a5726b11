"""An event as an appointment, and an appointment as the body that Google is to store: the one place where profiles act.

An update is the event as it was read, with what differs replaced: a person's attendees, colours, reminders and fields
that we have never heard of stay. A hidden field is neither written nor read. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from calendar_sync.domain.block import cut_at_word
from calendar_sync.domain.identity import PREPARED, private_of, with_private
from calendar_sync.domain.local_time import BERLIN, DAY, MINUTE, ZONE, as_moment, as_wall, later, on_the_clock
from calendar_sync.domain.recurrence import Rule, excluded_line, held, rule_line, zone_of
from calendar_sync.domain.rich_text import as_html, as_text, normal, normal_line
from calendar_sync.domain.values import TEXTS, TIMES, Appointment, Event, Profile

UNTITLED = "Termin"
CUT_THERE = "[gekürzt, ganzer Text in Advoware]"
LONGEST_DESCRIPTION = 8_000
LONGEST_LINE = 1_000
HIDDEN = {
    Profile.FULL: frozenset[str](),
    Profile.TITLE_ONLY: frozenset({"notes", "place"}),
    Profile.BUSY: frozenset(TEXTS),
}
"""Fields of which Google holds nothing of ours."""
_BEGINS = re.compile(r"Termin beginnt um [0-9]{2}:[0-9]{2} Uhr, davor [0-9]+ Min\. Vorbereitung")


@dataclass(frozen=True, slots=True)
class GoogleView:
    """An event as it is meant. `rule` is that of a series; `is_held`: Advoware can have it.

    `is_cut`: its notes are only the beginning of what stands in Advoware. `is_private`: nobody at a desk reads it.
    """

    event: Event
    appointment: Appointment
    rule: Rule | None = None
    is_held: bool = True
    is_cut: bool = False
    is_private: bool = False


def seen_in_google(event: Event, before: Appointment | None = None) -> GoogleView:
    """`before`: what the event was when both sides agreed. ValueError for an event without times."""
    body = event.body
    start, end, all_day = _times(body)
    notes, is_cut = _notes(body.get("description"))
    told = Appointment(
        start=start,
        end=end,
        all_day=all_day,
        title=normal_line(body.get("summary")),
        notes=notes,
        place=normal_line(body.get("location")),
    )
    rule = _rule(body, all_day=all_day)
    rhythm = held(rule, told) if rule is not None else None
    told = _prepared(replace(told, recurrence=rhythm), _preparation_of(body), before)
    is_private = body.get("visibility") in ("private", "confidential")
    return GoogleView(event, told, rule, rule is None or rhythm is not None, is_cut, is_private)


def for_google(
    appointment: Appointment, changed: Collection[str], profile: Profile, before: Mapping[str, Any]
) -> dict[str, Any]:
    """A whole body. `changed` names fields; a hidden one is not written, whatever it says."""
    body = dict(before)
    written = set(changed) - HIDDEN[profile]
    if "title" in written:
        body["summary"] = (appointment.title or UNTITLED)[:LONGEST_LINE]
    if "place" in written:
        body["location"] = (appointment.place or "")[:LONGEST_LINE]
    if written & {*TIMES, "recurrence", "preparation"}:
        body = _with_times(body, appointment)
    if written & {"notes", "start", "preparation"}:
        body = _with_description(body, appointment, profile, is_changed="notes" in written)
    return body


def new_in_google(appointment: Appointment, profile: Profile) -> dict[str, Any]:
    """An event that does not exist yet, without id and mark."""
    fields = appointment.as_fields()
    body = {"summary": UNTITLED, **for_google(appointment, fields, profile, {})}
    return {name: value for name, value in body.items() if value != ""}


def without_days(body: Mapping[str, Any], days: Collection[date]) -> dict[str, Any]:
    """The body of a series that does not take place on these local days."""
    if not days:
        return dict(body)
    start, all_day = _moment_of(body["start"])
    return {**body, "recurrence": [*body["recurrence"], excluded_line(sorted(days), start, all_day=all_day)]}


def without_hidden(body: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The body with all that a profile hides taken out, whoever wrote it: the profile has become stricter."""
    told = dict(body)
    if "title" in HIDDEN[profile]:
        told["summary"] = UNTITLED
    for name, field in (("notes", "description"), ("place", "location")):
        if name in HIDDEN[profile]:
            told[field] = ""
    return told


def occurrence_id(master_id: str, original: datetime, *, all_day: bool) -> str:
    """The id that Google gives to one occurrence."""
    told = f"{original:%Y%m%d}" if all_day else f"{as_moment(original):%Y%m%dT%H%M%SZ}"
    return f"{master_id}_{told}"


def original_start(body: Mapping[str, Any]) -> datetime | None:
    """Of an exception: when its occurrence would begin, in Berlin's wall time."""
    told = body.get("originalStartTime")
    try:
        return _moment_of(told)[0] if isinstance(told, Mapping) else None
    except ValueError:
        return None


def _times(body: Mapping[str, Any]) -> tuple[datetime, datetime, bool]:
    first, last = body.get("start"), body.get("end")
    if not isinstance(first, Mapping):
        raise ValueError("an event without a start")
    start, all_day = _moment_of(first)
    end = _moment_of(last)[0] if isinstance(last, Mapping) else start + (DAY if all_day else timedelta(0))
    return start, max(end - DAY if all_day else end, start), all_day


def _moment_of(told: Mapping[str, Any]) -> tuple[datetime, bool]:
    """Berlin's wall time, and whether it is a whole day. ValueError."""
    if day := told.get("date"):
        return datetime.combine(date.fromisoformat(str(day)), datetime.min.time()), True
    read = datetime.fromisoformat(str(told.get("dateTime")))
    if read.tzinfo is None:
        zone = zone_of(told.get("timeZone"))
        read = read.replace(tzinfo=zone)
    return as_wall(read.astimezone(UTC)), False


def _rule(body: Mapping[str, Any], *, all_day: bool) -> Rule | None:
    lines = body.get("recurrence")
    if not isinstance(lines, list) or not lines:
        return None
    told = body["start"]
    if all_day:
        return Rule(tuple(map(str, lines)), _moment_of(told)[0], True)
    zone = zone_of(told.get("timeZone"))
    start = as_moment(_moment_of(told)[0]).astimezone(zone).replace(tzinfo=None)
    return Rule(tuple(map(str, lines)), start, False, zone)


def _notes(description: object) -> tuple[str | None, bool]:
    """A person's and ours, without what we add."""
    told = normal(as_text(description)) if isinstance(description, str) else None
    lines = told.split("\n") if told else []
    if lines and _BEGINS.fullmatch(lines[0]):
        lines = lines[1:]
    is_cut = bool(lines) and lines[-1] == CUT_THERE
    return normal("\n".join(lines[:-1] if is_cut else lines)), is_cut


def _preparation_of(body: Mapping[str, Any]) -> int:
    told = private_of(body).get(PREPARED)
    return int(told) if isinstance(told, str) and told.isascii() and told.isdigit() and len(told) < 6 else 0


def _prepared(told: Appointment, minutes: int, before: Appointment | None) -> Appointment:
    """When the appointment itself begins, of an event that begins with its preparation.

    Moved as a whole, it keeps its preparation; where only its beginning was changed, the preparation is what is left.
    """
    minutes = minutes if before is None else before.preparation
    if not minutes or told.all_day:
        return told
    only_its_beginning = before is not None and not told.recurrence and before.end == told.end
    if before is not None and only_its_beginning and told.start != later(before.start, -timedelta(minutes=minutes)):
        left = max(int((as_moment(before.start) - as_moment(told.start)) / MINUTE), 0)
        return replace(told, start=max(before.start, told.start), preparation=left)
    start = _by_minutes(told.start, minutes, told)
    return replace(told, start=min(start, told.end), preparation=minutes)


def _by_minutes(local: datetime, minutes: int, appointment: Appointment) -> datetime:
    """In moments; of a series on the wall, so that each occurrence has the same."""
    by = timedelta(minutes=minutes)
    return local + by if appointment.recurrence is not None else later(local, by)


def _with_times(body: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    start, end = appointment.start, appointment.end
    minutes = 0 if appointment.all_day else appointment.preparation
    if appointment.all_day:
        body["start"], body["end"] = _day(start), _day(max(end, start) + DAY)
    else:
        start = _by_minutes(start, -minutes, appointment) if minutes else on_the_clock(start)
        end = on_the_clock(end)
        if as_moment(end) <= as_moment(start):
            end = later(start, MINUTE)
        body["start"], body["end"] = _time(start), _time(end)
    others = [line for line in body.get("recurrence") or () if not str(line).upper().startswith("RRULE")]
    rhythm = appointment.recurrence
    if rhythm is not None:
        body["recurrence"] = [rule_line(rhythm, start, all_day=appointment.all_day), *others]
    else:
        body.pop("recurrence", None)
    if minutes or PREPARED in private_of(body):
        body = with_private(body, {PREPARED: str(minutes) if minutes else None})
    return body


def _with_description(
    body: dict[str, Any], appointment: Appointment, profile: Profile, *, is_changed: bool
) -> dict[str, Any]:
    has_line = "notes" not in HIDDEN[profile] and appointment.preparation and not appointment.all_day
    if not is_changed and not has_line and not _BEGINS.search(str(body.get("description") or "")):
        return body
    if "notes" in HIDDEN[profile]:
        return body
    begins = f"Termin beginnt um {appointment.start:%H:%M} Uhr, davor {appointment.preparation} Min. Vorbereitung"
    first = [begins] if has_line else []
    lines = [*first, *([appointment.notes] if appointment.notes else [])]
    told = as_html("\n".join(lines))
    if len(told) > LONGEST_DESCRIPTION:
        told = f"{_cut(appointment.notes or '', LONGEST_DESCRIPTION - 200, first)}\n{CUT_THERE}"
    body["description"] = told
    return body


def _cut(notes: str, most: int, first: list[str]) -> str:
    """The beginning of the notes, of so many characters once they are escaped."""
    kept = cut_at_word(notes, most)
    while len(told := as_html("\n".join([*first, kept]))) > most:
        kept = cut_at_word(kept, len(kept) - max((len(told) - most) // 6, 1))
    return told


def _day(day: datetime) -> dict[str, Any]:
    return {"date": day.date().isoformat()}


def _time(local: datetime) -> dict[str, Any]:
    """Wall time and zone; with its offset where the wall alone would mean the first of two hours."""
    told = local.replace(tzinfo=BERLIN) if local.fold else local
    return {"dateTime": told.isoformat(timespec="seconds"), "timeZone": ZONE}
