"""A Termin as an appointment of one employee, and an appointment as what Advoware is to store. Pure.

Only fields that differ are replaced: what is not mapped, and the user's `notiz` where it says the same, stay as they
are, byte for byte.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from calendar_sync.domain.block import Block, joined, split
from calendar_sync.domain.local_time import MINUTE, exists, first_moment, to_minute
from calendar_sync.domain.rich_text import normal, normal_line
from calendar_sync.domain.values import TIMES, Appointment, Every, Recurrence
from kanzlei.termine import LAST_SECOND, Termin, TerminValues

SHOWN_LENGTH = timedelta(minutes=30)
"""Of a Termin that ends before it begins."""
NO_TITLE = "(ohne Titel)"
PRIVATE = "Privat"


@dataclass(frozen=True, slots=True)
class DeskView:
    """A Termin as one employee's calendar means it. `is_reversed`: it ends before it begins, which is a desk's error.

    `is_mine`: it stands in this employee's own diary; else the preparation is somebody else's.
    `is_left_out`: it begins or ends in the hour that the clocks leave out.
    """

    termin: Termin
    appointment: Appointment
    block: Block
    is_mine: bool = True
    is_reversed: bool = False
    is_left_out: bool = False


def seen_at_desk(termin: Termin, kuerzel: str) -> DeskView:
    """Total: every Termin that can be read has a view."""
    values = termin.values
    text, block = split(f"{values.notiz}\n{termin.notiz_end}" if termin.is_cut else values.notiz)
    is_mine = kuerzel == values.sb or not values.sb
    rhythm = _rhythm(values)
    start, end, all_day = _times(values, is_series=rhythm is not None)
    is_reversed = end < start
    appointment = Appointment(
        start=start,
        end=start + SHOWN_LENGTH if is_reversed else end,
        all_day=all_day,
        title=normal_line(values.text),
        notes=normal(text),
        place=normal_line(values.ort),
        recurrence=rhythm,
        preparation=_preparation(values, start, is_series=rhythm is not None) if is_mine and not all_day else 0,
    )
    is_left_out = not all_day and not (exists(start) and exists(end))
    return DeskView(termin, appointment, block, is_mine, is_reversed, is_left_out)


def for_desk(
    appointment: Appointment, block: Block, changed: Collection[str], before: Termin | TerminValues
) -> TerminValues:
    """What a write stores. `changed` names fields of the appointment; all else stays as it is in `before`."""
    values = before.values if isinstance(before, Termin) else before
    if "title" in changed:
        values = replace(values, text=appointment.title or "")
    if "place" in changed:
        values = replace(values, ort=appointment.place or "")
    if "preparation" in changed:
        values = replace(values, vorbereitung=timedelta(minutes=appointment.preparation))
    if set(changed) & {*TIMES, "recurrence"}:
        values = _with_times(values, appointment)
    return _with_notes(values, appointment, block, is_changed="notes" in changed, before=before)


def new_at_desk(appointment: Appointment, block: Block, kuerzel: str) -> TerminValues:
    """A Termin that does not exist yet."""
    empty = TerminValues(datum=appointment.start, sb=kuerzel, anwalt=kuerzel)
    return for_desk(appointment, block, frozenset(appointment.as_fields()), empty)


def _with_notes(
    values: TerminValues, appointment: Appointment, block: Block, *, is_changed: bool, before: Termin | TerminValues
) -> TerminValues:
    if isinstance(before, Termin) and before.is_cut:
        return values
    text, held = split(values.notiz)
    kept = replace(block, is_cut=held.is_cut and not is_changed)
    if not is_changed and kept == held:
        return values
    return replace(values, notiz=joined((appointment.notes or "") if is_changed else text, kept))


def _with_times(values: TerminValues, appointment: Appointment) -> TerminValues:
    start, end, rhythm = appointment.start, appointment.end, appointment.recurrence
    last = rhythm.until if rhythm is not None else (end.date() if end.date() > start.date() else None)
    is_series = rhythm is not None
    return replace(
        values,
        datum=to_minute(start),
        uhrzeit_bis=LAST_SECOND if appointment.all_day else to_minute(end).time(),
        datum_bis=first_moment(last) if last is not None else None,
        dauertermin=is_series,
        turnus=rhythm.interval if rhythm is not None else 0,
        turnus_art=int(rhythm.every) if rhythm is not None else 0,
    )


def _rhythm(values: TerminValues) -> Recurrence | None:
    if not values.dauertermin or values.turnus_art not in tuple(Every):
        return None
    until = values.datum_bis and max(values.datum_bis.date(), values.datum.date())
    return Recurrence(Every(values.turnus_art), max(values.turnus, 1), until)


def _times(values: TerminValues, *, is_series: bool) -> tuple[datetime, datetime, bool]:
    """Start, end, whole days. The end may lie before the start: see `DeskView.is_reversed`."""
    start = to_minute(values.datum)
    last = None if is_series or values.datum_bis is None else values.datum_bis
    day = max(start.date(), last.date()) if last is not None else start.date()
    if values.has_whole_days:
        return start, first_moment(day), True
    if values.uhrzeit_bis is None:
        at = to_minute(last) if last is not None else start
        return start, max(at, start), False
    if values.uhrzeit_bis == time(23, 59, 59):
        return start, first_moment(day) + timedelta(days=1), False
    return start, datetime.combine(day, values.uhrzeit_bis.replace(second=0, microsecond=0)), False


def _preparation(values: TerminValues, start: datetime, *, is_series: bool) -> int:
    """Minutes. Of a series it can't begin on the day before: its rhythm would be another one."""
    minutes = max(values.vorbereitung // MINUTE, 0)
    if is_series and (start - timedelta(minutes=minutes)).date() != start.date():
        return 0
    return minutes
