"""Killed at any step, then looked at again: the same end state, the same number of records, every note once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from office import Office

from synckit.errors import Locked, RateLimited, RemoteUnavailable, TransientError
from synckit.testing.faults import Crash

Scene = Callable[[Office], Awaitable[None]]
LOST = RemoteUnavailable("advoware", "no answer", maybe_applied=True)
VOLATILE = {"rowId", "geaendertAm", "advowareRowId", "advowareLastSync", "advowareDeletedAt"}


async def created(office: Office) -> None:
    office.left.seed("p1", lastName="Probe", firstName="Paula", geburtsname="Anders")


async def changed_left(office: Office) -> None:
    await office.linked()
    office.left.edit("p1", lastName="Neu", titel="Dr.")


async def changed_right(office: Office) -> None:
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="c/o", anrede="Eheleute")


async def conflict(office: Office) -> None:
    betnr = await office.linked()
    office.left.edit("p1", firstName="Petra", titel="Dr.")
    office.right.edit(betnr, vorname="Pia", zusatz="c/o")


async def deleted_right(office: Office) -> None:
    del office.right.records[await office.linked()]


async def deleted_left(office: Office) -> None:
    await office.linked()
    del office.left.records["p1"]


async def braked(office: Office) -> None:
    office.right.edit(await office.linked(), name="")


SCENES = [created, changed_left, changed_right, conflict, deleted_right, deleted_left, braked]


async def _quiet(office: Office) -> None:
    """Looks until a look writes nothing: what the ticker would do."""
    for _ in range(5):
        office.clock.advance(120)
        before = office.writes
        await office.sync("p1")
        if office.writes == before:
            return
    raise AssertionError("it never came to rest")


def _end(office: Office) -> dict[str, Any]:
    def stable(records: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k not in VOLATILE} for r in records.values()]

    row = office.links.rows["p1"]
    return {
        "left": stable(office.left.records),
        "right": stable(office.right.records),
        "notes": [text.rpartition("(")[0] for _, _, text in office.notifier.notes],
        "tombstone": row.link.tombstone if row.link else None,
        "pending": dict(row.pending),
        "intent": row.intent,
        "locks": dict(office.locks.held),
    }


async def _undisturbed(scene: Scene) -> tuple[dict[str, Any], int]:
    office = Office()
    await scene(office)
    office.faults.points.clear()
    await office.sync("p1")
    points = len(office.faults.points)
    await _quiet(office)
    return _end(office), points


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
async def test_a_crash_at_any_step_ends_as_if_there_had_been_none(scene: Scene) -> None:
    expected, points = await _undisturbed(scene)
    assert points > 3
    for number in range(points):
        office = Office()
        await scene(office)
        office.faults.crash_at(number)
        with pytest.raises(Crash):
            await office.sync("p1")
        office.faults.clear()
        await _quiet(office)
        assert _end(office) == expected, f"crash at point {number}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
async def test_two_crashes_in_a_row_end_as_if_there_had_been_none(scene: Scene) -> None:
    expected, points = await _undisturbed(scene)
    for first in range(points):
        for second in range(0, points + 2, 2):
            office = Office()
            await scene(office)
            for number in (first, second):
                office.faults.crash_at(number)
                with suppress(Crash):
                    await office.sync("p1")
                office.clock.advance(120)
            office.faults.clear()
            await _quiet(office)
            assert _end(office) == expected, f"crashes at points {first} and {second}"


async def test_two_broken_writes_of_one_field_never_bring_the_first_one_back() -> None:
    office = Office()
    await office.linked()
    for value, point in (("first", "right.update.after"), (None, "links.announce.after")):
        office.left.edit("p1", zusatz=value)

        def fail(passed: str, point: str = point) -> None:
            if passed == point:
                raise TransientError("lost")

        office.faults.hook = fail
        with pytest.raises(TransientError):
            await office.sync("p1")
    office.faults.clear()
    await _quiet(office)
    assert (office.left.records["p1"]["zusatz"], office.party()["zusatz"]) == (None, None)


async def _name_typed_on_both() -> tuple[Office, str]:
    """Linked, and then named anew in EspoCRM and at a desk. With the number of the party."""
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", lastName="Neu")
    office.right.edit(betnr, name="Pult")
    return office, betnr


def _told(office: Office) -> str:
    return " ".join(text for _, _, text in office.notifier.notes)


async def _broken_off(office: Office, point: str, error: TransientError = LOST) -> None:
    def fail(passed: str) -> None:
        if passed == point:
            raise error

    office.faults.hook = fail
    with pytest.raises(type(error)):
        await office.sync("p1")
    office.faults.clear()


@pytest.mark.parametrize("points", [["right.update.after"], ["left.update.before", "notifier.tell.before"]])
async def test_a_value_that_we_overwrote_is_told_although_the_desk_types_over_ours_before_the_next_look(
    points: list[str],
) -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", lastName="Neu", titel="Dr.")
    office.right.edit(betnr, name="Pult", geburtsdatum="1990-01-01T00:00:00")
    for point in points:
        await _broken_off(office, point)
    office.right.edit(betnr, name="Wieder")
    await _quiet(office)
    told = _told(office)
    assert (told.count("\u201ePult\u201c"), told.count("\u201eWieder\u201c")) == (1, 1)
    assert (office.left.records["p1"]["lastName"], office.party()["name"]) == ("Neu", "Neu")


@pytest.mark.parametrize("point", ["right.update.before", "right.update.after"])
async def test_a_value_is_told_once_although_nobody_knows_whether_we_or_the_desk_overwrote_it(point: str) -> None:
    office, betnr = await _name_typed_on_both()
    await _broken_off(office, point)
    office.right.edit(betnr, name="Wieder")
    await _quiet(office)
    told = _told(office)
    assert (told.count("\u201ePult\u201c"), told.count("\u201eWieder\u201c")) == (1, 1)


@pytest.mark.parametrize("side", ["left", "right"])
async def test_a_value_that_we_overwrote_is_told_although_the_record_is_deleted_before_the_next_look(side: str) -> None:
    office, betnr = await _name_typed_on_both()
    await _broken_off(office, "left.update.after")
    if side == "left":
        del office.left.records["p1"]
    else:
        del office.right.records[betnr]
    await _quiet(office)
    told = _told(office)
    assert (told.count("\u201ePult\u201c"), told.count("gelöscht")) == (1, 1)


@pytest.mark.parametrize(
    "refusal",
    [Locked("open at a desk"), RateLimited("advoware"), RemoteUnavailable("advoware", "not sent")],
    ids=["open at a desk", "429", "not sent"],
)
async def test_a_value_that_was_certainly_not_overwritten_is_not_told(refusal: TransientError) -> None:
    office, betnr = await _name_typed_on_both()
    await _broken_off(office, "right.update.before", refusal)
    office.right.edit(betnr, name="Wieder")
    await _quiet(office)
    told = _told(office)
    assert (told.count("\u201ePult\u201c"), told.count("\u201eWieder\u201c")) == (0, 1)


async def test_a_deletion_is_told_although_the_other_side_shows_what_nobody_can_read() -> None:
    office, betnr = await _name_typed_on_both()
    await _broken_off(office, "left.update.before")
    del office.left.records["p1"]
    office.right.edit(betnr, geburtsdatum="no date")
    assert (await office.sync("p1")).result == "deleted_left"


async def test_a_conflict_in_a_field_that_did_not_take_is_never_told_as_overwritten() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, titel="Prof.")
    office.right.ignored = {"titel"}
    office.left.edit("p1", titel="Dr.")
    await _broken_off(office, "left.update.before")
    await _quiet(office)
    told = _told(office)
    assert (told.count("nichts geschrieben"), told.count("steht jetzt auf beiden")) == (1, 0)


async def test_a_value_that_still_stands_is_told_when_it_is_overwritten_and_not_before() -> None:
    office, _ = await _name_typed_on_both()
    for _ in range(3):
        await _broken_off(office, "right.update.before")
        assert not office.notifier.notes
    await _quiet(office)
    told = _told(office)
    assert told.count("\u201ePult\u201c") == 1


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
async def test_a_failed_call_at_any_step_ends_as_if_there_had_been_none(scene: Scene) -> None:
    expected, points = await _undisturbed(scene)
    for number in range(points):
        office = Office()
        await scene(office)
        office.faults.fail_at(number, TransientError("lost"))
        with suppress(TransientError):
            await office.sync("p1")
        office.faults.clear()
        await _quiet(office)
        assert _end(office) == expected, f"failure at point {number}"
