"""Which entries of a list are refused is found in few tries, and every other entry is sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recordsync.refusals import names_in
from recordsync.sieve import MOST_TRIES, Sieve
from synckit.errors import RemoteRejected


def sifted(names: list[str], takes: int, bad: set[str]) -> tuple[set[str], Sieve, int]:
    """A list that holds `takes` entries and none of the bad ones, filled as the engine does. What came over, tries."""
    sieve, taken, tries = Sieve(), set[str](), 0
    while True:
        wanted = [name for name in names if name not in sieve.kept_out]
        tries += 1
        if len(wanted) > takes or bad & set(wanted):
            new = [name for name in wanted if name not in taken]
            sieve = sieve.without(new, fits=10 - len(taken) if len(wanted) > takes else 0, is_full=len(wanted) > takes)
        else:
            taken = set(wanted)
            sieve = sieve.accepted()
        if sieve.is_done:
            break
        assert tries <= 3 * MOST_TRIES
    return {name for name in names if name not in sieve.kept_out}, sieve, tries


@given(st.integers(1, 30), st.integers(0, 29))
def test_one_bad_entry_is_found_and_the_others_are_sent(count: int, bad: int) -> None:
    names = [str(n) for n in range(count)]
    sent, sieve, tries = sifted(names, 99, {str(bad)})
    assert sent == set(names) - {str(bad)}
    assert set(sieve.refused) == {str(bad)} & set(names)
    assert tries <= 2 * count.bit_length() + 3


@given(st.integers(1, 20), st.sets(st.integers(0, 19), max_size=3))
def test_no_good_entry_is_refused_while_there_are_tries(count: int, bad: set[int]) -> None:
    names, wrong = [str(n) for n in range(count)], {str(n) for n in bad}
    sent, sieve, _ = sifted(names, 99, wrong)
    assert not sent & wrong
    assert sieve.tries >= MOST_TRIES or sent == set(names) - wrong


@given(st.integers(0, 25), st.integers(1, 25))
def test_a_full_list_is_filled_to_its_limit(takes: int, count: int) -> None:
    names = [str(n) for n in range(count)]
    sent, _, tries = sifted(names, takes, set())
    assert len(sent) == min(takes, count)
    assert tries <= 2 * MOST_TRIES


def test_a_field_of_espocrm_is_found_among_the_attributes_that_were_sent() -> None:
    sent = ["lastName", "emailAddressData", "beteiligteId", "adresseStreet", "adresseCity", "syncStatus"]
    found = {
        name: names_in(RemoteRejected("espocrm", 400, "valid", field=name), sent)
        for name in ("lastName", "emailAddress", "beteiligte", "adresse", "LASTNAME", "kategorie", None)
    }
    assert found == {
        "lastName": ["lastName"],
        "emailAddress": ["emailAddressData"],
        "beteiligte": ["beteiligteId"],
        "adresse": ["adresseStreet", "adresseCity"],
        "LASTNAME": ["lastName"],
        "kategorie": [],
        None: [],
    }
