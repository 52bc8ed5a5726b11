"""What a person is told of a party's communication: each case in its words, and that it is what a look then does."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kommunikation_desk import MAIL, PHONE, Desk

from beteiligte_sync.entities.kommunikation.entry import to_base
from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from recordsync.mapping.rows import ListsForecast
from recordsync.memory.look import RELEASED
from synckit.reconcile.plan import Side

LISTS = KommunikationLists()
Scene = Callable[[Desk], Any]


def settled(*mails: str) -> Desk:
    desk = Desk()
    for value in mails:
        desk.types(MAIL, value)
    desk.look()
    return desk


def told(desk: Desk, *notes: str) -> ListsForecast:
    left = {kind.attribute: [e.as_item() for e in entries] for kind, entries in desk.left.items()}
    rows = [{**row, "kommKz": 0} if row["id"] in desk.hidden else row for row in desk.rows.values()]
    state = SimpleNamespace(base=to_base(desk.known), attempted=desk.attempted, notes=notes)
    return LISTS.foresee(state, left, {"kommunikation": rows})


def without(desk: Desk, *values: str) -> None:
    desk.store_left(MAIL, [e for e in desk.left[MAIL] if e.value not in values])


def first(desk: Desk) -> str:
    return next(iter(desk.rows))


def both_changed(desk: Desk) -> None:
    without(desk, "a@x.de")
    desk.types(MAIL, "ours@x.de")
    desk.edits(first(desk), tlf="theirs@x.de")


def slot_taken(desk: Desk) -> None:
    without(desk, "a@x.de")
    desk.look()
    desk.types(MAIL, "new@x.de")


def replaced_in_espocrm(desk: Desk) -> None:
    without(desk, "a@x.de")
    desk.types(MAIL, "new@x.de")


def removed_and_changed(desk: Desk) -> None:
    without(desk, "a@x.de")
    desk.edits(first(desk), tlf="theirs@x.de")


@pytest.mark.parametrize(
    ("scene", "words", "side"),
    [
        (lambda desk: None, "unverändert", None),
        (lambda desk: desk.types(MAIL, "new@x.de"), "neu in EspoCRM; kommt in eine neue Zeile", Side.RIGHT),
        (slot_taken, "neu in EspoCRM; kommt auf einen freien Platz", Side.RIGHT),
        (replaced_in_espocrm, "in EspoCRM geändert; geht nach Advoware", Side.RIGHT),
        (lambda desk: without(desk, "a@x.de"), "in EspoCRM entfernt; die Zeile wird zum freien Platz", Side.RIGHT),
        (lambda desk: desk.enters(4, "new@x.de"), "neu in Advoware; geht nach EspoCRM", Side.LEFT),
        (lambda desk: desk.edits(first(desk), tlf="b@x.de"), "in Advoware geändert; geht nach EspoCRM", Side.LEFT),
        (lambda desk: desk.edits(first(desk), tlf=""), "in Advoware geleert; fällt in EspoCRM weg", Side.LEFT),
        (lambda desk: desk.rows.pop(first(desk)), "in Advoware nicht mehr zu sehen; bleibt in EspoCRM", None),
        (both_changed, "auf beiden Seiten geändert; EspoCRM gilt", Side.RIGHT),
        (removed_and_changed, "in EspoCRM entfernt, in Advoware geändert; die Änderung bleibt", Side.LEFT),
        (lambda desk: desk.enters(1, "vormittags"), "nichts, was EspoCRM halten kann; bleibt in Advoware", None),
    ],
)
def test_each_case_has_its_words(scene: Scene, words: str, side: Side | None) -> None:
    desk = settled("a@x.de")
    scene(desk)
    assert (words, side) in [(row.words, row.write) for row in told(desk).rows]


def test_a_free_slot_is_one_and_no_look_writes_it() -> None:
    desk = settled("a@x.de")
    without(desk, "a@x.de")
    desk.look()
    assert [(row.words, row.write) for row in told(desk).rows] == [("freier Platz", None)]


def test_a_row_deleted_at_a_desk_among_others_drops_out_in_espocrm() -> None:
    desk = settled("a@x.de", "b@x.de")
    desk.rows.pop(first(desk))
    gone = next(row for row in told(desk).rows if row.right is None)
    assert (gone.left, gone.words, gone.write) == ("a@x.de", "in Advoware gelöscht; fällt in EspoCRM weg", Side.LEFT)


def test_what_is_told_is_what_the_look_then_does() -> None:
    desk = settled("a@x.de", "b@x.de")
    desk.types(PHONE, "+49711111")
    desk.edits(first(desk), tlf="c@x.de")
    desk.puts = desk.posts = desk.left_writes = 0
    said = told(desk)
    desk.look()
    assert (said.right_writes, said.writes_left) == (desk.puts + desk.posts, bool(desk.left_writes)) == (1, True)
    assert {row.after for row in said.rows if row.write} <= {*desk.numbers(), *desk.values(MAIL)}
    assert (told(desk).right_writes, told(desk).writes_left, told(desk).causes) == (0, False, ())


def test_what_the_brake_holds_is_told_without_a_write_until_it_is_released() -> None:
    desk = settled("a@x.de", "b@x.de", "c@x.de")
    desk.store_left(MAIL, [])
    held = told(desk)
    assert held.held
    assert [(row.write, row.is_held, "(angehalten)" in row.words) for row in held.rows] == [(None, True, True)] * 3
    released = told(desk, RELEASED)
    assert (released.held, released.right_writes) == ("", 3)


def test_rows_that_advoware_does_not_show_are_not_spoken_of() -> None:
    assert LISTS.foresee(SimpleNamespace(base=to_base({}), attempted=(), notes=()), {}, {}) == ListsForecast()


def test_names_are_told_in_a_users_words() -> None:
    assert [LISTS.label(name) for name in ("kommunikation/7", "mail", "phone", "other")] == [
        "Kommunikation, Zeile 7",
        "E-Mail",
        "Telefon",
        "other",
    ]
