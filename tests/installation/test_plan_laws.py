"""Laws of the plan: it ends, it can be broken off anywhere, and it takes nothing from a customer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.espocrm.differences import differences
from kanzlei.espocrm.plan import Administration, plan
from kanzlei.espocrm.schema import Target, level
from kanzlei.espocrm.target import target
from kanzlei.espocrm.target_parts import PART_NAMES
from tests.installation.stand_in import after, bare

PARTS = st.lists(st.sampled_from(PART_NAMES), unique=True)


def finished(seen: Administration, wanted: Target) -> Administration:
    return after(seen, *plan(seen, wanted).steps)


@given(parts=PARTS)
def test_a_second_run_has_nothing_to_do(parts: list[str]) -> None:
    wanted = target(parts)
    done = finished(bare(), wanted)
    assert plan(done, wanted).steps == ()


@given(parts=PARTS)
def test_a_finished_installation_has_no_errors(parts: list[str]) -> None:
    wanted = target(parts)
    found = differences(finished(bare(), wanted).installation, wanted)
    assert [each.code for each in found if each.severity == "error"] == []


@given(parts=PARTS, cut=st.integers(min_value=0, max_value=120))
def test_a_run_broken_off_anywhere_is_resumed(parts: list[str], cut: int) -> None:
    wanted = target(parts)
    begun = after(bare(), *plan(bare(), wanted).steps[:cut])
    done = finished(begun, wanted)
    assert plan(done, wanted).steps == ()
    assert done.installation.definitions == finished(bare(), wanted).installation.definitions


@given(chosen=st.data())
def test_what_a_customer_made_stays(chosen: st.DataObject) -> None:
    """Options, types of numbers, rights, limits, roles, fields in layouts: all are there afterwards."""
    wanted = target()
    before = _altered(finished(bare(), wanted), chosen)
    done = finished(before, wanted)
    assert plan(done, wanted).steps == ()
    for scope, defined in before.installation.definitions.items():
        for name, there in (defined or {})["fields"].items():
            now = (done.installation.definitions[scope] or {})["fields"][name]
            assert set(there.get("options", [])) <= set(now.get("options", []))
            assert set(there.get("typeList", [])) <= set(now.get("typeList", []))
            assert (there.get("maxLength") or 0) <= (now.get("maxLength") or 0)
    assert before.role is not None
    assert done.role is not None
    for scope, rights in before.role["data"].items():
        assert _holds(done.role["data"][scope], rights)
    assert before.user is not None
    assert done.user is not None
    assert set(before.user["rolesIds"]) <= set(done.user["rolesIds"])
    for place, layout in before.layouts.items():
        assert list(layout or []) == list((done.layouts[place] or [])[: len(layout or [])])


def _holds(now: Any, before: Any) -> bool:
    if isinstance(before, Mapping):
        return all(level(now.get(action)) >= level(held) for action, held in before.items())
    return level(now) >= level(before)


def _altered(seen: Administration, chosen: st.DataObject) -> Administration:
    """A customer's changes: some of ours taken away, some of their own added."""
    seen = copy.deepcopy(seen)
    for scope, defined in seen.installation.definitions.items():
        for name, there in list((defined or {})["fields"].items()):
            _alter_field(there, chosen)
            if name not in ("name", "assignedUser") and scope != "Account" and chosen.draw(st.booleans()):
                (defined or {})["fields"][f"kunde{name.capitalize()}"] = {"type": "varchar"}
    role: dict[str, Any] = dict(seen.role or {})
    role["data"] = {
        **{
            scope: chosen.draw(st.sampled_from([rights, {**rights, "read": "own"}, {**rights, "delete": "all"}]))
            if isinstance(rights, Mapping)
            else rights
            for scope, rights in role["data"].items()
        },
        "Contact": {"read": "all", "edit": "own"},
    }
    user = {**(seen.user or {}), "rolesIds": chosen.draw(st.sampled_from([[], ["r9"], ["r9", "r1"]]))}
    return replace(seen, role=role, user=user)


def _alter_field(there: dict[str, Any], chosen: st.DataObject) -> None:
    if there.get("options"):
        there["options"] = [
            *chosen.draw(st.lists(st.sampled_from(there["options"]), unique=True)),
            *chosen.draw(st.sampled_from([[], ["Kundenwort"]])),
        ]
    if there.get("maxLength"):
        there["maxLength"] = chosen.draw(st.sampled_from([10, there["maxLength"], 255]))
    there["required"] = chosen.draw(st.booleans())


def test_a_field_of_another_type_is_left_and_told() -> None:
    wanted = target()
    seen = copy.deepcopy(finished(bare(), wanted))
    (seen.installation.definitions["CBeteiligte"] or {})["fields"]["betnr"] = {"type": "bool"}
    planned = plan(seen, wanted)
    assert planned.steps == ()
    assert [each.what for each in planned.blocked] == ["CBeteiligte.betnr"]


def test_a_person_with_the_users_name_is_left_and_told() -> None:
    wanted = target()
    seen = replace(finished(bare(), wanted), user={"id": "u7", "type": "regular", "userName": wanted.user_name})
    planned = plan(seen, wanted)
    assert planned.steps == ()
    assert [each.what for each in planned.blocked] == [f"user {wanted.user_name}"]


@pytest.mark.parametrize("part", ["", "calendar"])
def test_an_unknown_part_is_refused(part: str) -> None:
    with pytest.raises(KeyError):
        target([part])
