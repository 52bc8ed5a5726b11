"""What is wrong with the calendars, judged by both sides' lists and by what was typed. Knows nothing of the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.chaos.calendars import DESK, NAMES, PHONE, Appointment, Calendars, View, desk_view, phone_view
from tests.chaos.oracle import LONGEST_WINDOW, Finding

BEFORE_A_BLOW, AFTER_A_BLOW = 3.0, 10.0
"""Seconds: a run that was struck is not remembered, and the next one comes that soon."""
AT_DESK = {"title": "text", "place": "ort", "time": "datum"}


@dataclass(frozen=True)
class Seen:
    """After calm. `desk` and `phone`: Kürzel → what is shown there; `changes`: number of a Termin → all its writes.

    `writes`: of ours in a round in which nothing was typed. `forgot`: the database has lost some of its memory.
    `blows`: from when to when something was struck (Unix seconds).
    """

    appointments: Mapping[str, Appointment]
    desk: Mapping[str, Sequence[View]]
    phone: Mapping[str, Sequence[View]]
    changes: Mapping[int, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    writes: int = 0
    forgot: bool = False
    blows: Sequence[tuple[float, float]] = ()


async def look(calendars: Calendars, blows: Sequence[tuple[float, float]], *, forgot: bool) -> Seen:
    """Asks both sandboxes."""
    day, desk, phone = calendars.day, {}, {}
    for kuerzel in NAMES:
        desk[kuerzel] = [desk_view(row) for row in await day.termine(kuerzel)]
        phone[kuerzel] = [phone_view(event) for event in await day.events(calendars.mails[kuerzel])]
    numbers = [one.frnr for one in calendars.appointments.values() if one.frnr is not None]
    changes = {number: await calendars.changes_of(number) for number in numbers}
    return Seen(calendars.appointments, desk, phone, changes, calendars.writes_after_quiet, forgot, blows)


class CalendarOracle:
    """Judges once.

    `vanished`: saves at a desk that fell between our read and our write, promised by nobody. `made_conflicts`: edits of
    a value that we had just written when we were struck: what was not remembered any more reads as two people's edits.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.vanished = 0
        self.made_conflicts = 0

    def judge(self) -> list[Finding]:
        """Everything that is wrong."""
        seen = self._seen
        found = [Finding("calendars never quiet", "", f"{seen.writes} writes")] if seen.writes else []
        for side, lists in ((DESK, seen.desk), (PHONE, seen.phone)):
            found += [finding for views in lists.values() for finding in self._strangers(side, views)]
        for one in seen.appointments.values():
            found += self._wrong(one, self._views(one, seen.desk), self._views(one, seen.phone))
        return found

    def _views(self, one: Appointment, lists: Mapping[str, Sequence[View]]) -> list[View]:
        return [view for view in lists[one.kuerzel] if one.key in view["title"].split()]

    def _strangers(self, side: str, views: Sequence[View]) -> Iterator[Finding]:
        for view in views:
            if not set(self._seen.appointments) & set(view["title"].split()):
                yield Finding("calendar stranger", "", f"{side}: {view['title']}")

    def _wrong(self, one: Appointment, desk: Sequence[View], phone: Sequence[View]) -> Iterator[Finding]:
        text = f"{len(desk)} at the desk, {len(phone)} on the phone, born: {one.born}, deleted: {one.gone or 'no'}"
        if max(len(desk), len(phone)) > 1:
            yield Finding("calendar twin", one.key, text)
        elif len(desk) != len(phone):
            yield Finding("on one side only", one.key, text)
        elif (must := self._must_be_there(one)) is not None and must != bool(desk):
            yield Finding("appointment lost" if must else "deleted and there", one.key, text)
        elif desk:
            if desk[0] != phone[0]:
                yield Finding("sides differ", one.key, f"desk {desk[0]}, phone {phone[0]}")
            # Whoever edits on the phone and deletes there before it was synced has the desk's state back.
            if not (one.gone and one.in_doubt):
                yield from self._lost(one, desk[0])

    def _must_be_there(self, one: Appointment) -> bool | None:
        """None where both is right: an edit was on its way to it, or the database has forgotten what it knew."""
        if not one.gone:
            return True
        if one.in_doubt or self._seen.forgot:
            return None
        # What was born at a desk comes back when it is deleted on the phone.
        return one.gone == PHONE and one.born == DESK

    def _lost(self, one: Appointment, shown: View) -> Iterator[Finding]:
        """What stands there in the end was typed last, by somebody who knew of all that was typed before."""
        if f"{datetime.fromisoformat(shown['time']) + timedelta(hours=1):%Y-%m-%dT%H:%M}" != shown["end"]:
            yield Finding("torn time", one.key, f"{shown['time']} to {shown['end']}")
        for name, heads in one.heads.items():
            if shown[name] in {value for _, value in heads}:
                continue
            if self._fell_between(one, name, {value for side, value in heads if side == DESK}):
                self.vanished += 1
            elif self._struck_in_between(one.passed.get((name, shown[name]))):
                self.made_conflicts += 1
            else:
                yield Finding(
                    "edit lost",
                    one.key,
                    f"{name} is {shown[name]!r}, typed last: {sorted(heads)}{self._since(one, name, shown)}",
                )

    def _since(self, one: Appointment, name: str, shown: View) -> str:
        passed = one.passed.get((name, shown[name]))
        if passed is None:
            return ""
        near = min((abs(passed - at) for blow in self._seen.blows for at in blow), default=float("inf"))
        return f"; passed {near:.1f} s from the next blow"

    def _struck_in_between(self, passed: float | None) -> bool:
        """True where the value that stands there was passed while what we had done could not be remembered."""
        return passed is not None and any(
            at - BEFORE_A_BLOW <= passed <= over + AFTER_A_BLOW for at, over in self._seen.blows
        )

    def _fell_between(self, one: Appointment, name: str, values: set[str]) -> bool:
        """True where our write followed the desk's save so soon that it had been read before."""
        rows = self._seen.changes.get(one.frnr or 0, ())
        for place, row in enumerate(rows):
            told = str(row["values"].get(AT_DESK[name], ""))
            if row["call"] is None and (told[:16] if name == "time" else told) in values:
                later = [each["at"] for each in rows[place + 1 :] if each["call"] is not None]
                return bool(later) and later[0] - row["at"] <= LONGEST_WINDOW
        return False
