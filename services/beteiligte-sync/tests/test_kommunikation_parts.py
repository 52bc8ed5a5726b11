"""What a list's decision depends on: its parts, and nothing else. The engine decides once for the same parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from synckit.reconcile.plan import Base

LISTS = KommunikationLists()
FLAG = st.sampled_from([True, False, 1, 0, None, "ja"])
MAIL = st.fixed_dictionaries(
    {"emailAddress": st.sampled_from(["a@x.de", "A@X.de", "b@x.de", ""]), "primary": FLAG, "optOut": FLAG}
)
PHONE = st.fixed_dictionaries(
    {"phoneNumber": st.sampled_from(["+49711111", "0711 111", "x"]), "type": st.sampled_from(["Office", ""])}
)
ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from([1, 1.0, True, "1", 2, None]),
        "kommKz": st.sampled_from([0, 1, 4, True, "4"]),
        "tlf": st.sampled_from(["a@x.de", "0711 111", "", None]),
        "online": FLAG,
    }
)
LEFT = st.fixed_dictionaries(
    {},
    optional={
        "emailAddressData": st.one_of(st.none(), st.lists(MAIL, max_size=3)),
        "phoneNumberData": st.one_of(st.none(), st.lists(PHONE, max_size=3)),
        "emailAddress": st.sampled_from([None, "A@x.de"]),
        "lastName": st.text(max_size=3),
    },
)
RIGHT = st.fixed_dictionaries({}, optional={"kommunikation": st.lists(ROW, max_size=3), "name": st.text(max_size=3)})
LINKED = LISTS.decide(
    Base(),
    {"emailAddressData": [{"emailAddress": "a@x.de", "primary": True}]},
    {"kommunikation": [{"id": 1, "kommKz": 4, "tlf": "a@x.de"}]},
    confirmed=False,
).base
BASE = st.sampled_from([Base(), LINKED])


@given(left=LEFT, right=RIGHT, base=BASE)
def test_other_fields_change_no_decision(left: dict[str, Any], right: dict[str, Any], base: Base) -> None:
    """A PUT of a name shows the same lists again."""
    other_base = Base({**base.left, "titel": "Dr."}, {**base.right, "titel": "Dr."})
    other = other_base, {**left, "titel": "Dr."}, {**right, "titel": "Dr."}
    assert LISTS.parts(base, left, right) == LISTS.parts(*other)
    assert LISTS.decide(base, left, right, confirmed=False) == LISTS.decide(*other, confirmed=False)


@pytest.mark.parametrize("other", [1, "true", None])
def test_equal_flags_are_not_the_same(other: object) -> None:
    """1 and true are equal in Python; only true makes an address the primary one."""
    mail = {"emailAddress": "a@x.de", "primary": True}
    shown, odd = {"emailAddressData": [mail]}, {"emailAddressData": [{**mail, "primary": other}]}
    assert LISTS.parts(Base(), shown, {}) != LISTS.parts(Base(), odd, {})
