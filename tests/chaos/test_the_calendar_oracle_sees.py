"""The oracle of the calendars against small made-up offices: a good one is good, and each kind of wrong is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.calendar_oracle import CalendarOracle, Seen
from tests.chaos.calendars import DESK, PHONE, Appointment, View

KEY, WHO = "T0001", "KAA"
BORN = {"title": f"Ahorn {KEY} 1", "place": f"Birke {KEY} 2", "time": "2027-03-22T09:00"}
SHOWN = {**BORN, "end": "2027-03-22T10:00"}
MOVED = {"time": "2027-04-01T14:00", "end": "2027-04-01T15:00"}


def appointment(born: str = DESK, **more: Any) -> Appointment:
    one = Appointment(KEY, WHO, born, frnr=70001, **more)
    one.typed(born, BORN, {})
    return one


def seen(one: Appointment, desk: list[View], phone: list[View], **more: Any) -> Seen:
    return Seen({KEY: one}, {WHO: desk}, {WHO: phone}, **more)


def judged(told: Seen) -> list[str]:
    return [finding.what for finding in CalendarOracle(told).judge()]


def test_a_good_office_is_good() -> None:
    assert judged(seen(appointment(), [SHOWN], [SHOWN])) == []


WRONG: list[tuple[str, list[View], list[View]]] = [
    ("calendar twin", [SHOWN], [SHOWN, SHOWN]),
    ("on one side only", [SHOWN], []),
    ("appointment lost", [], []),
    ("sides differ", [SHOWN], [{**SHOWN, "place": "elsewhere"}]),
    ("torn time", [{**SHOWN, "end": "2027-03-22T11:00"}], [{**SHOWN, "end": "2027-03-22T11:00"}]),
    ("edit lost", [{**SHOWN, **MOVED}], [{**SHOWN, **MOVED}]),
    ("calendar stranger", [SHOWN, {**SHOWN, "title": "Whose?"}], [SHOWN]),
]


@pytest.mark.parametrize(("what", "desk", "phone"), WRONG, ids=[what for what, *_ in WRONG])
def test_each_kind_of_wrong_is_seen(what: str, desk: list[View], phone: list[View]) -> None:
    assert judged(seen(appointment(), desk, phone)) == [what]


def test_writes_that_never_end_are_seen() -> None:
    assert judged(seen(appointment(), [SHOWN], [SHOWN], writes=2)) == ["calendars never quiet"]


@pytest.mark.parametrize(
    ("born", "gone", "there"), [(PHONE, PHONE, False), (DESK, DESK, False), (PHONE, DESK, False), (DESK, PHONE, True)]
)
def test_deleted_is_gone_but_for_a_desks_own(born: str, gone: str, there: bool) -> None:
    """What was entered at a desk comes back when the phone deletes it."""
    one, views = appointment(born, gone=gone), [SHOWN]
    assert bool(judged(seen(one, views, views))) is not there
    assert bool(judged(seen(one, [], []))) is there
    in_doubt = replace(one, in_doubt=True)
    assert judged(seen(in_doubt, [], [])) == judged(seen(in_doubt, views, views)) == []


def test_of_two_who_did_not_know_of_another_either_may_win() -> None:
    """Who had seen the other's value has the last word alone."""
    title = f"Esche {KEY} 3"
    changed = {**SHOWN, "title": title}
    unaware, aware = appointment(), appointment()
    unaware.typed(PHONE, {"title": title}, {"title": "before"})
    aware.typed(PHONE, {"title": title}, BORN)
    for shown in (SHOWN, changed):
        assert judged(seen(unaware, [shown], [shown])) == []
    assert judged(seen(aware, [changed], [changed])) == []
    assert judged(seen(aware, [SHOWN], [SHOWN])) == ["edit lost"]


@pytest.mark.parametrize(("seconds", "found"), [(1.0, []), (3.0, ["edit lost"])])
def test_a_save_between_read_and_write_is_counted_apart(seconds: float, found: list[str]) -> None:
    """Only where our write followed within the window."""
    one, title = appointment(), f"Linde {KEY} 4"
    one.typed(DESK, {"title": title}, BORN)
    saved = {"at": 10.0, "call": None, "values": {"text": title}}
    ours = {"at": 10.0 + seconds, "call": 7, "values": {"text": BORN["title"]}}
    assert judged(seen(one, [SHOWN], [SHOWN], changes={70001: [saved, ours]})) == found


@pytest.mark.parametrize(("ago", "found"), [(1.0, []), (60.0, ["edit lost"])])
def test_what_a_blow_made_a_conflict_is_counted_apart(ago: float, found: list[str]) -> None:
    """The value that stands there was passed when we were struck, so that nobody remembered that both had it."""
    one = appointment()
    one.typed(PHONE, {"title": f"Tanne {KEY} 5"}, BORN)
    blow = one.passed["title", BORN["title"]] + ago
    assert judged(seen(one, [SHOWN], [SHOWN], blows=[(blow, blow + 5)])) == found


def test_an_edit_that_its_own_deletion_overtook_is_nobodys() -> None:
    """What comes back is what the desk has; with no deletion it is a lost edit."""
    one = appointment()
    one.typed(PHONE, {"title": f"Ulme {KEY} 6"}, BORN)
    assert judged(seen(one, [SHOWN], [SHOWN])) == ["edit lost"]
    overtaken = replace(one, gone=PHONE, in_doubt=True)
    assert judged(seen(overtaken, [SHOWN], [SHOWN])) == []
