"""What goes back and what stays; what the audit finds, and what it leaves in peace."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from calendar_office import Office
from hypothesis import given
from hypothesis import strategies as st

from calendar_sync.domain.audit import (
    DEAD_PAIR,
    DUPLICATE,
    LOST_ACL,
    NO_EMPLOYEE,
    ORPHAN,
    RENAMED,
    WRONG_OWNER,
    Sides,
    audit,
    audit_office,
)
from calendar_sync.domain.memory import Diary, JournalEntry
from calendar_sync.domain.undo import lines, put_back, reversals
from calendar_sync.domain.values import Appointment, CalendarRef

NOON = datetime(2026, 10, 20, 12)
TITLES = st.sampled_from(["A", "B", "C", None])


def held(title: str | None) -> Appointment:
    return Appointment(NOON, NOON + timedelta(hours=1), title=title, place="Saal")


@given(st.lists(TITLES, min_size=2, max_size=6), TITLES)
def test_a_field_goes_back_where_it_still_stands(titles: list[str | None], now: str | None) -> None:
    """To what was there before the first write; a value that somebody has set since stays."""
    writes = [JournalEntry("k", "google", "write", "title", before, after) for before, after in pairwise(titles)]
    (one,) = reversals(writes)
    restored, names = put_back(one, held(now))
    if now == titles[-1] and now != titles[0]:
        assert (restored.title, names) == (titles[0], frozenset({"title"}))
    else:
        assert (restored, names) == (held(now), frozenset())
    refused = [line.refused for line in lines(one, held(now))]
    assert refused == ([] if now == titles[0] else [""] if now == titles[-1] else ["seither geändert"])


def test_what_we_deleted_is_made_again_and_what_we_made_stays() -> None:
    gone = JournalEntry("k1", "google", "delete", before=held("A").as_fields())
    made = JournalEntry("k2", "google", "insert", after=held("B").as_fields())
    (one,) = reversals([gone, made])
    assert [line.then for line in lines(one, None)] == ["A"]
    assert [line.refused for line in lines(one, held("A"))] == ["ist wieder da"]


async def sides(office: Office) -> Sides:
    """All that an audit of the fakes sees."""
    memory = await office.store.peek("SB")
    window = office.rules.window(office.clock.now().date())
    listed = await office.desk.appointments("SB", window.start, window.end)
    events = (await office.google.events(office.calendar, None, office.clock.now(), office.clock.now())).items
    shared = await office.google.shared_with(office.calendar)
    return Sides(
        memory.diary,
        memory.rows,
        listed.termine,
        listed.unreadable,
        events,
        window,
        {mail.lower(): role for mail, role in shared.items()},
        "role@k.example",
        "role@k.example",
        "writer",
    )


async def test_an_office_in_step_has_no_findings() -> None:
    office = Office()
    for day in range(3):
        office.termin(datetime(2026, 10, 20 + day, 9), text=f"Termin {day}")
    office.termin(datetime(2026, 10, 23, 9), dauertermin=True, turnus=1, turnus_art=2, datum_bis=datetime(2026, 12, 31))
    await office.quiet()
    assert audit(await sides(office)) == ()


async def test_each_drift_is_found() -> None:
    """Behind our back: pairs forgotten, doubled, gone on both sides, a right taken away, another owner."""
    office = Office()
    for day in range(3):
        office.termin(datetime(2026, 10, 20 + day, 9), text=f"Termin {day}")
    await office.quiet()
    whole = await sides(office)
    assert {one.kind for one in audit(replace(whole, rows=whole.rows[1:]))} == {ORPHAN}
    gone = replace(whole, events=whole.events[1:], termine=[])
    assert {one.kind for one in audit(gone)} == {DEAD_PAIR}
    assert audit(replace(whole, termine=[])) == (), "absence on one side is a run's question"
    copy = replace(whole.events[0], id="x", body={**whole.events[0].body, "id": "x"})
    assert {one.kind for one in audit(replace(whole, events=(*whole.events, copy)))} == {DUPLICATE}
    assert {one.kind for one in audit(replace(whole, shared={}))} == {LOST_ACL}
    assert {one.kind for one in audit(replace(whole, owner="sa@project.example"))} == {WRONG_OWNER}
    assert "Termin" not in repr(audit(replace(whole, shared={})))


def test_the_office_as_a_whole_is_looked_at() -> None:
    """A calendar whose Kürzel nobody has, a second one, and somebody with a new Kürzel."""
    diary = Diary("AB", "ab@k.example", CalendarRef("c1", "ab@k.example"))
    calendars = {"AB": [CalendarRef("c1"), CalendarRef("c2")], "XX": [CalendarRef("c3")]}
    active = {"CD": ("Berg", "AB@k.example")}
    found = {(one.kind, one.what) for one in audit_office([diary], calendars, active)}
    assert found == {(NO_EMPLOYEE, "c3"), (DUPLICATE, "c2"), (RENAMED, "CD")}
    assert audit_office([diary], {"AB": [CalendarRef("c1")]}, {"AB": ("Berg", "ab@k.example")}) == ()
