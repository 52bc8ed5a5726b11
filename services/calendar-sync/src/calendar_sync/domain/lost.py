"""A calendar that is gone, or not ours to see any more: what is remembered then, and after a person's word. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calendar_sync.domain.memory import CalendarState, Kind, Memory, Notice, Outcome, Report, Row, State

REASON = "Der Kalender fehlt oder ist gesperrt; es wird nichts gelöscht."

REMADE = (State.LINKED, State.SLEEPING, State.CREATING)
PARTS = (Kind.EXCEPTION, Kind.OCCURRENCE)


def lost(memory: Memory) -> Outcome:
    """Nothing more is read or written for this employee until a person has answered."""
    kuerzel = memory.diary.kuerzel
    diary = replace(memory.diary, state=CalendarState.LOST, token="", reason=REASON)
    where = memory.diary.calendar.id if memory.diary.calendar else ""
    text = f"Kalender von {kuerzel}: {REASON} Danach: python -m calendar_sync quarantine release {kuerzel}"
    notice = Notice("calendar_lost", kuerzel, where, text)
    return Outcome(diary, notices=(notice,), report=Report(kuerzel, "waiting", REASON))


def released(memory: Memory) -> Outcome:
    """A new calendar: all pairs are made there once more, those that were born in Google as well.

    Exceptions went with the old one: their Termine become pairs of their own, and the `notiz` of the series tells which
    days it leaves out. Of a series that Advoware can't hold, nothing but its Termine is left.
    """
    rows = {row.key: row for row in memory.rows}
    series = [row for row in memory.rows if row.kind is Kind.EXPANDED and row.state is not State.GONE]
    alone = [row for row in memory.rows if row.kind in PARTS and row.parent in rows and row.state is not State.GONE]
    made = [_on_its_own(row) for row in alone if row.frnr is not None]
    numbers = {row.key: [each.frnr for each in alone if each.parent == row.key and each.frnr] for row in series}
    kept = {**rows, **{row.key: row for row in made}}
    live = tuple(row.key for row in kept.values() if row.state in REMADE)
    diary = replace(
        memory.diary,
        state=CalendarState.NONE,
        calendar=None,
        token="",
        listed_at=None,
        held=None,
        reason="",
        rejected=tuple(dict.fromkeys((*memory.diary.rejected, *live))),
    )
    removed = (*(row.key for row in series if row.frnr is None), *(row.key for row in alone if row.frnr is None))
    whole = [replace(row, kind=Kind.SERIES) for row in series if row.frnr is not None]
    notices = tuple(_series_lost(diary.kuerzel, row, numbers[row.key]) for row in series if row.frnr is None)
    return Outcome(diary, (*made, *whole), removed, notices=notices)


def _on_its_own(row: Row) -> Row:
    """An occurrence as a pair that knows of no series; its event gets an id of our own."""
    origin = str(row.frnr)
    return replace(row, kind=Kind.SINGLE, parent="", original=None, event_id=row.key, origin=origin, etag="")


def _series_lost(kuerzel: str, row: Row, frnrs: Sequence[int | None]) -> Notice:
    numbers = ", ".join(str(frnr) for frnr in frnrs) or "keine"
    text = (
        f"Kalender von {kuerzel}: eine Serie aus Google, die Advoware nicht abbilden kann, ist mit dem Kalender "
        f"verloren. Ihre Termine stehen im neuen Kalender einzeln ({numbers}); spätere bitte neu eintragen."
    )
    return Notice("series_lost", kuerzel, row.key, text)
