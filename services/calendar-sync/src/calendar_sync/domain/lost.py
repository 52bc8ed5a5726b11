"""A calendar that is gone, or not ours to see any more: what is remembered then, and after a person's word. Pure."""

from __future__ import annotations

from dataclasses import replace

from calendar_sync.domain.memory import CalendarState, Memory, Notice, Outcome, Report, State

REASON = "Der Kalender fehlt oder ist gesperrt; es wird nichts gelöscht."


def lost(memory: Memory) -> Outcome:
    """Nothing more is read or written for this employee until a person has answered."""
    kuerzel = memory.diary.kuerzel
    diary = replace(memory.diary, state=CalendarState.LOST, token="", reason=REASON)
    where = memory.diary.calendar.id if memory.diary.calendar else ""
    text = f"Kalender von {kuerzel}: {REASON} Danach: python -m calendar_sync quarantine release {kuerzel}"
    notice = Notice("calendar_lost", kuerzel, where, text)
    return Outcome(diary, notices=(notice,), report=Report(kuerzel, "waiting", REASON))


def released(memory: Memory) -> Outcome:
    """A new calendar: all pairs are made there once more, those that were born in Google as well."""
    live = tuple(row.key for row in memory.rows if row.state in (State.LINKED, State.SLEEPING))
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
    return Outcome(diary)
