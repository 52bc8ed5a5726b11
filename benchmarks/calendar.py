"""Calendars: what a run costs where nothing has changed, how fast many are filled, a round over all, one change.

The sandboxes count the calls and answer after 50 ms, but in the first scene.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.baselines.plain_calendar import insert_all
from benchmarks.calendar_office import LIFTED, CalendarOffice, kuerzel, termin
from benchmarks.command import command
from benchmarks.figures import cpu_seconds, percentile, resident_mib
from benchmarks.grounds import Grounds, Running
from benchmarks.report_card import Card, Goal
from synckit.command import run_command

TITLE = "Calendars: unchanged, filled, all in a round, one change"
CALL_SECONDS = 0.05
CALENDARS = 50
PER_SECOND, BURST = 8.0, 20.0
"""Of one acting account, as delivered."""
ZONE = "Europe/Berlin"


def run(grounds: Grounds, card: Card) -> None:
    office = CalendarOffice(grounds)
    service = office.start(LIFTED)
    unchanged(office, service, card)
    one_change(office, service, card)
    names = kuerzel("C", 6 if card.quick else CALENDARS)
    office.hire(names)
    office.sync(service, *names)
    filled(office, service, card, names)
    everybody = kuerzel("E", 10 if card.quick else 500 - CALENDARS - 5)
    office.heal()
    office.hire(everybody)
    office.enter(everybody, 2)
    office.sync(service, *everybody)
    grounds.stop(service)
    service = office.start({})
    office.slow(CALL_SECONDS)
    filled_as_delivered(office, service, card, names)
    in_a_round(office, service, card)
    card.notes.append(
        "A run by hand is asked for over HTTP and looked at every 0.1 s. Lifted: 32 threads, 32 employees at once. "
        "The plain loop is measured with a tenth of the events; it gives no ids, so it is not safe to repeat."
    )
    grounds.stop(service)


def unchanged(office: CalendarOffice, service: Running, card: Card) -> None:
    """Nothing was written in these runs, and the median of their costs counts."""
    count, runs = (60, 2) if card.quick else (1000, 9)
    office.hire(["ONE"])
    office.enter(["ONE"], count)
    office.sync(service, "ONE")
    office.sync(service, "ONE")
    rows = []
    for _ in range(runs):
        office.mark()
        before = cpu_seconds(service.pid)
        office.sync(service, "ONE")
        calls = office.calls()
        cpu = 1000 * (cpu_seconds(service.pid) - before)
        rows.append((calls.google, calls.advoware, calls.google_writes + calls.advoware_writes, cpu))
    google, advoware, writes = (max(row[column] for row in rows) for column in range(3))
    cpu = median(row[3] for row in rows)
    columns = ["appointments", "runs", "Google calls", "Advoware calls", "writes", "CPU ms"]
    card.table("Nothing has changed, a run", columns, [[count, runs, google, advoware, writes, cpu]])
    card.goals += [
        Goal("unchanged: Google calls", google, 2, at_most=True),
        Goal("unchanged: Advoware calls", advoware, 1, at_most=True),
        Goal("unchanged: writes", writes, 0, at_most=True),
        Goal("unchanged: CPU a run", cpu, 150.0, " ms", at_most=True),
    ]


def one_change(office: CalendarOffice, service: Running, card: Card) -> None:
    """From a desk's save, and the run asked for at once, to Google's answer."""
    office.hire(["TWO"])
    numbers = office.enter(["TWO"], 8 if card.quick else 60)
    office.sync(service, "TWO")
    office.slow(CALL_SECONDS)
    seconds = []
    for place, frnr in enumerate(numbers):
        office.mark()
        began = time.time()
        office.change(frnr, text=f"Geändert {place}")
        office.sync(service, "TWO")
        seconds.append(office.written_at(began) - began)
    row = [len(seconds), *(1000 * percentile(seconds, share) for share in (0.5, 0.9, 1.0))]
    card.table("A change at a desk, ms to Google's answer", ["n", "p50", "p90", "max"], [row])
    card.goals.append(Goal("desk to Google, p50", row[1], 400.0, " ms", at_most=True))


def filled(office: CalendarOffice, service: Running, card: Card, names: Sequence[str]) -> None:
    """Appointments to create over the calendars, with the limits lifted, against a plain loop."""
    each = 2 if card.quick else 20
    office.enter(names, each)
    took = _filling(office, service, names)
    count = each * len(names)
    plain = _plain(office, len(names), count)
    ratio = plain / took
    rows = [["ours, limits lifted", count, took, count / took], ["one call after another", count, plain, count / plain]]
    card.table(f"{count} to create over {len(names)} calendars", ["way", "events", "s", "events/s"], rows)
    card.goals.append(Goal("create, limits lifted : plain loop", ratio, 8.0, " ×"))


def filled_as_delivered(office: CalendarOffice, service: Running, card: Card, names: Sequence[str]) -> None:
    """The same with the limits as delivered, against the time that they allow for these calls."""
    each = 4 if card.quick else 20
    office.enter(names, each)
    office.mark()
    took = _filling(office, service, names)
    calls = office.calls().google
    allowed = max(0.0, calls - BURST) / PER_SECOND
    card.table(
        "The same with the limits as delivered",
        ["events", "Google calls", "s", "s that the limits allow"],
        [[each * len(names), calls, took, allowed]],
    )
    card.goals.append(Goal("create, limits as delivered : what they allow", allowed / took, 0.95, " ×"))


def in_a_round(office: CalendarOffice, service: Running, card: Card) -> None:
    """Everybody, nothing changed, limits as delivered."""
    office.mark()
    began = time.monotonic()
    runs = office.sync(service, "ALL")
    took, calls, memory = time.monotonic() - began, office.calls(), resident_mib(service.pid)
    columns = ["employees", "s", "Google calls", "Advoware calls", "writes", "MB after it"]
    writes = calls.google_writes + calls.advoware_writes
    card.table("Everybody in one round", columns, [[len(runs), took, calls.google, calls.advoware, writes, memory]])
    card.goals += [
        Goal("round: memory", memory, 200.0, " MB", at_most=True),
        Goal("round: Google calls an employee", calls.google / len(runs), 2.0, at_most=True),
    ]


def _filling(office: CalendarOffice, service: Running, names: Sequence[str]) -> float:
    """Seconds from the first request for a run to the last run's end."""
    began = time.monotonic()
    office.sync(service, *names)
    return time.monotonic() - began


def _plain(office: CalendarOffice, calendars: int, count: int) -> float:
    """Seconds that a plain loop takes for as many; a tenth of them is measured."""
    here = office.grounds.addresses
    part = max(calendars, count // 10)
    bodies = [_body(termin("X", place)) for place in range(part)]
    took = insert_all(here.google_key_file, here.google_role_account, office.google, calendars, bodies)
    return took * count / part


def _body(row: dict[str, Any]) -> dict[str, Any]:
    day = row["datum"][:11]
    ends = f"{day}{row['uhrzeitBis']}"
    return {
        "summary": row["text"],
        "location": row["ort"],
        "description": row["notiz"],
        "start": {"dateTime": row["datum"], "timeZone": ZONE},
        "end": {"dateTime": ends, "timeZone": ZONE},
    }


if __name__ == "__main__":
    run_command(lambda: command(run, "calendar", TITLE))
