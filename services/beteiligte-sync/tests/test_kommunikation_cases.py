"""The list diff case by case: what is on both sides afterwards, what the user is told, and what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kommunikation_desk import MAIL, PHONE, Crash, Desk

from beteiligte_sync.entities.kommunikation import marker
from beteiligte_sync.entities.kommunikation.diff import diff
from beteiligte_sync.entities.kommunikation.entry import Known, Row
from beteiligte_sync.entities.kommunikation.mail import address_of
from beteiligte_sync.entities.kommunikation.phone import number_of
from beteiligte_sync.entities.kommunikation.plan import Why


def settled(*mails: str, phones: tuple[str, ...] = ()) -> Desk:
    desk = Desk()
    for value in mails:
        desk.types(MAIL, value)
    for value in phones:
        desk.types(PHONE, value)
    desk.look()
    assert desk.plan().is_empty
    desk.posts = desk.puts = desk.left_writes = 0
    return desk


def remove(desk: Desk, value: str) -> None:
    desk.store_left(MAIL, [e for e in desk.left[MAIL] if e.value != value])


def rename(desk: Desk, old: str, new: str) -> None:
    desk.store_left(MAIL, [replace(e, value=new) if e.value == old else e for e in desk.left[MAIL]])


def test_new_in_espocrm_becomes_a_row_behind_a_marker() -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows.values()
    assert (row["tlf"], row["kommKz"]) == ("anna@probe.de", 4)
    assert marker.read(row["bemerkung"]) == marker.Marked("", "anna@probe.de", 4)


def test_removed_in_espocrm_becomes_a_slot_and_the_next_one_takes_it() -> None:
    desk = settled("anna@probe.de", "bert@probe.de")
    remove(desk, "anna@probe.de")
    desk.look()
    assert sorted(desk.numbers()) == ["", "bert@probe.de"]
    assert [r["bemerkung"] for r in desk.rows.values() if not r["tlf"]] == ["[ESPOCRM-SLOT:4]"]
    desk.types(MAIL, "carl@probe.de")
    desk.look()
    assert sorted(desk.numbers()) == ["bert@probe.de", "carl@probe.de"]
    assert (desk.puts, desk.posts) == (2, 0)


def test_changed_in_espocrm_is_one_put_on_the_same_row_with_the_users_text_kept() -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.edits(row, bemerkung=desk.rows[row]["bemerkung"] + " Sekretariat")
    rename(desk, "anna@probe.de", "neu@probe.de")
    desk.look()
    assert desk.numbers() == ["neu@probe.de"]
    assert marker.read(desk.rows[row]["bemerkung"]) == marker.Marked("Sekretariat", "neu@probe.de", 4)
    assert (desk.puts, desk.posts, desk.left_writes) == (1, 0, 0)


def test_new_in_advoware_comes_over_and_costs_no_write_there() -> None:
    desk = settled("anna@probe.de")
    desk.enters(3, "0172 / 12 34 567", "nur abends")
    desk.look()
    (phone,) = desk.left[PHONE]
    assert (phone.value, phone.type, phone.primary) == ("+491721234567", "Mobile", True)
    assert desk.numbers() == ["anna@probe.de", "0172 / 12 34 567"]
    assert (desk.puts, desk.posts, desk.left_writes) == (0, 0, 1)
    assert desk.plan().is_empty


def test_emptied_in_advoware_is_gone_in_espocrm_and_its_row_is_used_again() -> None:
    desk = settled("anna@probe.de", "bert@probe.de")
    desk.edits(next(iter(desk.rows)), tlf="")
    desk.look()
    assert desk.values(MAIL) == ["bert@probe.de"]
    assert desk.left[MAIL][0].primary
    desk.types(MAIL, "carl@probe.de")
    desk.look()
    assert (len(desk.rows), desk.posts) == (2, 0)


def test_replaced_at_a_desk_the_flags_are_its_own() -> None:
    """Opt-out and invalid were said of the old value; its place in the list and its type stay."""
    desk = Desk()
    desk.types(PHONE, "+49711111", "Home")
    desk.types(PHONE, "+49711222", "Office", primary=True, opt_out=True, invalid=True)
    desk.look()
    row = next(r for r, stored in desk.rows.items() if stored["tlf"] == "+49711222")
    desk.edits(row, tlf="0711 333")
    desk.look()
    changed = next(e for e in desk.left[PHONE] if e.value == "+49711333")
    assert (changed.type, changed.primary, changed.opt_out, changed.invalid) == ("Office", True, False, False)
    assert len(desk.left[PHONE]) == 2


def test_both_changed_is_espocrms_and_both_values_are_told() -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.edits(row, tlf="advoware@probe.de")
    rename(desk, "anna@probe.de", "espo@probe.de")
    desk.look()
    assert desk.numbers() == desk.values(MAIL) == ["espo@probe.de"]
    assert [(t.why, t.left, t.right) for t in desk.told] == [(Why.CONFLICT, "espo@probe.de", "advoware@probe.de")]


def test_both_changed_to_the_same_is_no_conflict() -> None:
    desk = settled("anna@probe.de")
    desk.edits(next(iter(desk.rows)), tlf="NEU@probe.de")
    rename(desk, "anna@probe.de", "neu@probe.de")
    plan = desk.look()
    assert plan.is_empty
    assert desk.told == []


def test_two_addresses_changed_one_on_each_side_end_on_both() -> None:
    desk = settled("anna@probe.de", "bert@probe.de")
    row = next(r for r, stored in desk.rows.items() if stored["tlf"] == "bert@probe.de")
    desk.edits(row, tlf="bert@neu.de")
    rename(desk, "anna@probe.de", "anna@neu.de")
    desk.look()
    assert set(desk.numbers()) == set(desk.values(MAIL)) == {"anna@neu.de", "bert@neu.de"}
    assert desk.told == []


def test_an_edit_beats_a_removal_on_the_other_side() -> None:
    desk = settled("anna@probe.de", "bert@probe.de")
    row = next(r for r, stored in desk.rows.items() if stored["tlf"] == "anna@probe.de")
    desk.edits(row, tlf="anna@neu.de")
    remove(desk, "anna@probe.de")
    desk.look()
    assert set(desk.values(MAIL)) == {"anna@neu.de", "bert@probe.de"}
    assert [t.why for t in desk.told] == [Why.KEPT]


def test_only_another_notation_is_no_reason_to_write() -> None:
    desk = Desk()
    desk.types(PHONE, "+4971112345", "Office")
    desk.types(MAIL, "Anna@Probe.de")
    desk.enters(1, "0711 / 12 34-5")
    desk.enters(4, "anna@probe.DE")
    plan = desk.look()
    assert plan.is_empty
    assert "0711 / 12 34-5" in desk.numbers()
    rename(desk, "Anna@Probe.de", "anna@probe.de")
    assert desk.look().is_empty


def test_what_is_no_number_stays_in_advoware_and_is_told_once() -> None:
    desk = settled("anna@probe.de")
    desk.enters(1, "nur vormittags")
    desk.look()
    assert desk.left[PHONE] == []
    assert [(t.why, t.right) for t in desk.told] == [(Why.UNUSABLE, "nur vormittags")]
    assert desk.look().told == ()


def test_a_number_that_turns_into_words_leaves_both_sides_alone_until_espocrm_changes() -> None:
    desk = Desk()
    desk.types(PHONE, "+4971112345")
    desk.look()
    (row,) = desk.rows
    desk.edits(row, tlf="nur vormittags")
    desk.look()
    assert (desk.values(PHONE), desk.numbers()) == (["+4971112345"], ["nur vormittags"])
    desk.store_left(PHONE, [replace(desk.left[PHONE][0], value="+4971199999")])
    desk.look()
    assert desk.numbers() == ["+4971199999"]
    assert [(t.why, t.right) for t in desk.told][-1] == (Why.CONFLICT, "nur vormittags")


def test_a_domain_with_umlauts_is_punycode_in_espocrm_and_stays_as_typed_in_advoware() -> None:
    desk = Desk()
    desk.enters(4, "Info@Müller.de")
    desk.look()
    assert desk.values(MAIL) == ["Info@xn--mller-kva.de"]
    assert desk.numbers() == ["Info@Müller.de"]
    assert desk.plan().is_empty


def test_a_kind_that_espocrm_has_no_place_for_stays_advowares_own() -> None:
    desk = Desk()
    desk.enters(5, "www.probe.de")
    desk.enters(12, "bea@probe.de")
    assert desk.look().is_empty
    assert desk.left == {MAIL: [], PHONE: []}


def test_a_desk_that_says_what_kind_of_number_it_is_is_heard() -> None:
    desk = Desk()
    row = desk.enters(1, "0711 12345")
    desk.look()
    desk.edits(row, kommKz=6)
    desk.look()
    assert [e.type for e in desk.left[PHONE]] == ["Home"]


def test_one_number_in_two_rows_is_one_entry_and_goes_from_both() -> None:
    desk = settled("anna@probe.de")
    first, second = desk.enters(1, "0711 12345"), desk.enters(6, "+49 711 12345")
    desk.look()
    assert desk.values(PHONE) == ["+4971112345"]
    desk.edits(second, tlf="0711 999999")
    desk.look()
    assert desk.values(PHONE) == ["+4971112345", "+49711999999"]
    desk.edits(first, tlf="0711 999999")
    desk.look()
    assert desk.values(PHONE) == ["+49711999999"]
    desk.store_left(PHONE, [])
    desk.look()
    assert desk.numbers() == ["anna@probe.de", "", ""]


def test_without_our_table_the_marker_tells_what_was_agreed() -> None:
    desk = settled("anna@probe.de", "bert@probe.de")
    desk.known.clear()
    rename(desk, "anna@probe.de", "neu@probe.de")
    desk.look()
    assert set(desk.numbers()) == {"neu@probe.de", "bert@probe.de"}
    assert (desk.puts, desk.posts, desk.left_writes) == (1, 0, 0)


def test_a_marker_that_does_not_fit_is_left_out_and_our_table_knows() -> None:
    text = "x" * 250
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.edits(row, bemerkung=text)
    rename(desk, "anna@probe.de", "neu@probe.de")
    desk.look()
    assert desk.rows[row]["bemerkung"] == text
    remove(desk, "neu@probe.de")
    desk.look()
    assert (desk.rows[row]["tlf"], desk.rows[row]["bemerkung"]) == ("", text)
    desk.types(MAIL, "carl@probe.de")
    desk.look()
    assert (desk.numbers(), desk.posts) == (["carl@probe.de"], 0)


@pytest.mark.parametrize("cut", range(1, 26))
def test_a_marker_that_was_cut_is_replaced_and_does_not_pile_up(cut: int) -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.edits(row, bemerkung=desk.rows[row]["bemerkung"][:cut])
    assert desk.look().is_empty
    rename(desk, "anna@probe.de", "neu@probe.de")
    desk.look()
    expected = marker.Marked("[ESPOCRM"[:cut] if cut < 8 else "", "neu@probe.de", 4)
    assert marker.read(desk.rows[row]["bemerkung"]) == expected


def test_a_marker_copied_to_another_row_is_not_believed() -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.enters(4, "bert@probe.de", desk.rows[row]["bemerkung"])
    desk.look()
    assert desk.values(MAIL) == ["anna@probe.de", "bert@probe.de"]


def test_a_row_deleted_at_the_desk_is_gone_in_espocrm_but_most_of_them_at_once_are_not_believed() -> None:
    desk = settled("a@probe.de", "b@probe.de", "c@probe.de")
    first, *others = desk.rows
    del desk.rows[first]
    desk.look()
    assert desk.values(MAIL) == ["b@probe.de", "c@probe.de"]
    kept = {row: desk.rows.pop(row) for row in others}
    plan = desk.look()
    assert plan.is_empty
    assert [t.why for t in plan.told] == [Why.VANISHED] * 2
    desk.rows |= kept
    assert desk.look().is_empty
    assert desk.values(MAIL) == ["b@probe.de", "c@probe.de"]


def test_lists_that_espocrm_does_not_show_are_unknown_and_nobody_touches_them() -> None:
    desk = settled("a@probe.de", phones=("+4971112345",))
    assert diff({}, desk.shown_rows(), desk.known) == diff({}, None, desk.known)
    assert diff({}, desk.shown_rows(), desk.known).known == desk.known
    assert diff(desk.shown_left(), None, desk.known).known == desk.known


def test_many_entries_emptied_at_once_wait_for_a_person() -> None:
    desk = settled("a@probe.de", "b@probe.de", "c@probe.de")
    desk.store_left(MAIL, [])
    assert "3 von 3" in desk.look().held
    assert desk.numbers() == ["a@probe.de", "b@probe.de", "c@probe.de"]
    desk.look(confirmed=True)
    assert desk.numbers() == ["", "", ""]


def test_a_post_whose_answer_was_lost_is_found_by_its_marker_even_after_another_edit() -> None:
    desk = settled("anna@probe.de")
    desk.types(MAIL, "bert@probe.de")
    calls = iter([None, None])

    def crash_after_the_post() -> None:
        if next(calls, Crash) is Crash:
            raise Crash

    desk.step = crash_after_the_post
    with pytest.raises(Crash):
        desk.look()
    desk.step = lambda: None
    rename(desk, "bert@probe.de", "berta@probe.de")
    desk.look()
    assert sorted(desk.numbers()) == ["anna@probe.de", "berta@probe.de"]
    assert desk.values(MAIL) == ["anna@probe.de", "berta@probe.de"]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0711 / 12 34-5", "+4971112345"),
        ("+49 (0)711 12345", "+4971112345"),
        ("(0711) 1234–56", "+49711123456"),
        ("0049 711 12345", "+4971112345"),
        ("+43 1 58858", "+43158858"),
        ("nur vormittags", None),
        ("0172/1234567 (Sekr.)", None),
        ("0711 12345 / 0172 1234567", None),
        ("12345", None),
        ("110", None),
        ("", None),
    ],
)
def test_what_people_type_as_a_number(typed: str, number: str | None) -> None:
    assert number_of(typed) == number


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Anna@Probe.de ", "Anna@Probe.de"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("mailto:a@probe.de?subject=Frage", "a@probe.de"),
        ("Anna a@probe.de", None),
        ("a@probe.de b@probe.de", None),
        ("ü@probe.de", None),
        ("<a@probe.de>", None),
        ("a..b@probe.de", None),
        ("a@probe", None),
    ],
)
def test_what_people_type_as_an_address(typed: str, address: str | None) -> None:
    assert address_of(typed) == address


def test_a_number_typed_again_at_the_desk_outlives_its_removal_in_espocrm() -> None:
    desk = Desk()
    row = desk.enters(1, "0711 111")
    desk.look()
    desk.edits(row, tlf="nur vormittags")
    desk.look()
    desk.store_left(PHONE, [])
    desk.edits(row, tlf="0711 111")
    desk.look()
    assert desk.numbers() == ["0711 111"]
    assert desk.values(PHONE) == ["+49711111"]
    assert desk.plan().is_empty


def broken_off(desk: Desk, steps: int) -> None:
    """A look whose process is killed after so many steps."""
    left = [steps]

    def step() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash

    desk.step = step
    with pytest.raises(Crash):
        desk.look()
    desk.step = lambda: None


def test_after_a_kill_an_address_that_a_person_typed_is_not_taken_for_ours() -> None:
    desk = Desk()
    row = desk.enters(4, "anna@probe.de")
    broken_off(desk, 1)
    desk.edits(row, tlf="")
    desk.types(MAIL, "anna@probe.de")
    desk.look()
    assert desk.values(MAIL) == ["anna@probe.de"]
    assert "anna@probe.de" in desk.numbers()


def test_after_a_kill_a_desk_that_changed_the_same_row_again_is_told_of_both_values() -> None:
    desk = settled("anna@probe.de")
    (row,) = desk.rows
    desk.edits(row, tlf="bert@probe.de")
    broken_off(desk, 1)
    rename(desk, "anna@probe.de", "bert@probe.de")
    desk.edits(row, tlf="carl@probe.de")
    desk.look()
    assert desk.values(MAIL) == desk.numbers() == ["bert@probe.de"]
    assert [(t.why, t.left, t.right) for t in desk.told] == [(Why.CONFLICT, "bert@probe.de", "carl@probe.de")]


@pytest.mark.parametrize(
    ("tlf", "bemerkung", "known", "expected"),
    [
        ("0711 111", "[ESPOCRM:KzQ5NzExMTEx:3] text", 8, 3),
        ("0711 111", "[ESPOCRM-SLOT:2]", 8, 2),
        ("0711 111", "text", 8, 8),
        ("0711 111", "", None, 1),
        ("anna@probe.de", "", None, 4),
    ],
)
def test_a_hidden_type_is_told_by_the_marker_then_by_our_table_then_by_the_shape(
    tlf: str, bemerkung: str, known: int | None, expected: int
) -> None:
    agreed = Known(PHONE, known, "0711 111") if known else None
    assert Row("1", 0, tlf, bemerkung).true_kz(agreed) == expected
    assert Row("1", 7, tlf, bemerkung).true_kz(agreed) == 7, "what the server shows comes first"
