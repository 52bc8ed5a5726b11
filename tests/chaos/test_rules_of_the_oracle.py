"""The oracle's rules by themselves: which ends of a field some placement of syncs explains."""

from __future__ import annotations

from tests.chaos.fields import Side, Value
from tests.chaos.rules import Edit, Ends, Story, allowed
from tests.chaos.troubles import Loss

ESPO, ADVO = Side.ESPO, Side.ADVO
POSTED = 10.0


def story(*edits: Edit, born: Value = "a", **others: object) -> Story:
    told: dict[str, object] = {"posted_at": POSTED, **others}
    return Story(born, edits, **told)  # type: ignore[arg-type]


def both(*values: Value) -> set[Ends]:
    return {Ends(value, value) for value in values}


def test_what_one_side_typed_is_on_both() -> None:
    assert allowed(story(Edit(11, ESPO, "b"))) == both("b")
    assert allowed(story(Edit(11, ADVO, "b"))) == both("b")
    assert allowed(story()) == both("a")


def test_after_both_have_typed_a_sync_between_them_decides() -> None:
    assert allowed(story(Edit(11, ESPO, "b"), Edit(12, ADVO, "c"))) == both("b", "c")
    assert allowed(story(Edit(11, ADVO, "c"), Edit(12, ESPO, "b"))) == both("b")


def test_an_older_value_of_one_side_never_comes_back() -> None:
    assert allowed(story(Edit(11, ESPO, "b"), Edit(12, ESPO, "c"), Edit(13, ADVO, "d"))) == both("c", "d")


def test_back_to_what_was_agreed_is_no_change() -> None:
    edits = (Edit(11, ADVO, "c"), Edit(12, ESPO, "b"), Edit(13, ESPO, "a"))
    assert allowed(story(*edits)) == both("a", "c")


def test_what_was_typed_before_the_party_was_posted_is_on_both_all_the_same() -> None:
    assert allowed(story(Edit(9, ESPO, "b"))) == both("b")


def test_without_a_party_espocrm_keeps_what_was_typed_last() -> None:
    assert allowed(story(Edit(9, ESPO, "b"), posted_at=None)) == {Ends("b", None)}


def test_a_field_that_advoware_leads_is_not_written_from_espocrm() -> None:
    assert allowed(story(Edit(11, ESPO, "b"), born=None, one_way=True)) == {Ends("b", None)}
    assert allowed(story(Edit(11, ADVO, "c"), born=None, one_way=True)) == both("c")
    ends = allowed(story(Edit(11, ADVO, "c"), Edit(12, ESPO, "b"), born=None, one_way=True))
    assert ends == {Ends("c", "c"), Ends("b", "c")}


def test_a_save_between_our_read_and_our_write_may_vanish_where_that_is_asked_for() -> None:
    told = story(Edit(11, ADVO, "b", may_vanish=True))
    assert allowed(told) == both("b")
    assert allowed(told, with_windows=True) == both("a", "b")


def test_after_one_side_is_gone_nothing_moves_the_other() -> None:
    told = story(Edit(11, ADVO, "b"), Edit(13, ESPO, "c"), gone_at=12.0)
    assert {ends.espo for ends in allowed(told)} == {"c"}
    told = story(Edit(11, ADVO, "b"), gone_at=12.0)
    assert {ends.espo for ends in allowed(told)} == {"a", "b"}


def test_an_older_memory_may_take_back_what_was_typed_back() -> None:
    """To "b" and back: who remembers the time before sees the other side's "b" alone as changed."""
    edits = (Edit(11, ESPO, "b"), Edit(13, ESPO, "a"))
    assert allowed(story(*edits)) == both("a")
    assert allowed(story(*edits, losses=[Loss(10.5, 12)])) == both("a", "b")


def test_an_older_memory_excuses_nothing_else() -> None:
    edits = (Edit(11, ESPO, "b"), Edit(13, ESPO, "a"))
    assert allowed(story(*edits, losses=[Loss(20, 21)])) == both("a")
    assert allowed(story(*edits, losses=[Loss(5, 9)])) == both("a")
    later = (Edit(11, ESPO, "b"), Edit(13, ESPO, "c"), Edit(14, ADVO, "d"))
    assert allowed(story(*later, losses=[Loss(10.5, 12)])) == both("c", "d")


def test_a_link_that_is_forgotten_lets_either_value_win() -> None:
    edits = (Edit(13, ESPO, "b"),)
    assert allowed(story(*edits)) == both("b")
    assert allowed(story(*edits, losses=[Loss(9, 12)])) == both("a", "b")
    assert allowed(story(Edit(13, ADVO, "c"), losses=[Loss(9, 12)], one_way=True)) >= both("c")
