"""Communication through the engine: both sides afterwards, notes, calls, and a crash at every step."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from kommunikation_office import Shop

from recordsync.mapping.rows import as_seen
from recordsync.memory.look import RELEASED
from synckit.errors import (
    Locked,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    SyncError,
    TransientError,
)
from synckit.ports import Commit
from synckit.testing.faults import Crash

Scene = Callable[[Shop], Awaitable[None]]


async def test_a_party_with_nothing_new_in_its_communication_costs_two_reads() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    outcome = await shop.sync("p1")
    assert (outcome.result, shop.calls, shop.writes) == ("unchanged", 2, 0)


async def test_a_new_party_costs_three_calls_and_one_a_row() -> None:
    shop = Shop()
    shop.left.seed("p1", lastName="Probe")
    shop.mails("anna@probe.de", "bert@probe.de")
    await shop.sync("p1")
    assert shop.numbers() == ["anna@probe.de", "bert@probe.de"]
    assert shop.calls == 5
    shop.forget_calls()
    assert (await shop.sync("p1")).result == "unchanged"


async def test_a_changed_address_is_one_call_more_than_a_look_that_writes_its_state() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.mails("neu@probe.de")
    await shop.sync("p1")
    assert (shop.numbers(), shop.rows.calls, shop.calls) == (["neu@probe.de"], ["update"], 4)


async def test_a_phone_typed_at_the_desk_comes_over_in_one_write_after_one_more_read() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.typed_at_the_desk(3, "0172 / 12 34 567", "nur abends")
    await shop.sync("p1")
    (phone,) = shop.left.records["p1"]["phoneNumberData"]
    assert (phone["phoneNumber"], phone["type"]) == ("+491721234567", "Mobile")
    assert (shop.calls, shop.writes, shop.rows.calls) == (4, 1, [])
    assert shop.party()["kommunikation"][1]["bemerkung"] == "nur abends"


async def test_two_addresses_changed_one_on_each_side_end_on_both() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.mails("anna@neu.de", "bert@probe.de")
    shop.at_the_desk(1, "bert@neu.de")
    await shop.sync("p1")
    assert shop.numbers() == shop.shown_mails() == ["anna@neu.de", "bert@neu.de"]
    assert shop.notifier.notes == []


async def test_the_same_address_on_both_sides_is_espocrms_and_both_values_are_told_once() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.mails("espo@probe.de")
    shop.at_the_desk(0, "desk@probe.de")
    await shop.sync("p1")
    await shop.sync("p1")
    (note,) = shop.notifier.notes
    assert shop.numbers() == shop.shown_mails() == ["espo@probe.de"]
    assert "„espo@probe.de“" in note[2]
    assert "„desk@probe.de“" in note[2]


async def test_many_addresses_gone_at_once_hold_the_record_until_a_person_confirms() -> None:
    shop = Shop()
    await shop.with_mails("a@probe.de", "b@probe.de", "c@probe.de")
    shop.mails()
    assert (await shop.sync("p1")).result == "held"
    assert shop.numbers() == ["a@probe.de", "b@probe.de", "c@probe.de"]
    state = await shop.links.load("p1")
    await shop.links.commit(Commit("p1", state.fence, shop.clock.now(), raise_notes=(RELEASED,)))
    await shop.sync("p1")
    assert shop.numbers() == ["", "", ""]


async def test_rows_that_advoware_does_not_show_are_unknown() -> None:
    shop = Shop()
    await shop.with_mails("a@probe.de", "b@probe.de")
    kept = list(shop.party()["kommunikation"])
    shop.party()["kommunikation"] = []
    await shop.sync("p1")
    assert shop.shown_mails() == ["a@probe.de", "b@probe.de"]
    shop.party()["kommunikation"] = kept
    shop.forget_calls()
    await shop.sync("p1")
    assert (shop.writes, len(shop.notifier.notes)) == (0, 1)


async def test_what_a_look_saw_of_the_rows_is_what_advoware_shows_afterwards_also_of_those_it_wrote() -> None:
    shop = Shop()
    number = await shop.with_mails("anna@probe.de")
    shop.mails("anna@probe.de", "neu@probe.de")
    await shop.sync("p1")
    assert await shop.links.lists_seen([number]) == {number: as_seen(shop.party())}
    shop.typed_at_the_desk(4, "desk@probe.de")
    assert await shop.links.lists_seen([number]) != {number: as_seen(shop.party())}
    await shop.sync("p1")
    assert await shop.links.lists_seen([number]) == {number: as_seen(shop.party())}


async def with_a_post_under_way() -> Shop:
    """A second address whose POST had no answer."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.mails("anna@probe.de", "bert@probe.de")
    shop.rows.is_slow = True
    with pytest.raises(RemoteUnavailable):
        await shop.sync("p1")
    shop.rows.is_slow = False
    shop.rows.calls.clear()
    return shop


async def test_a_row_whose_post_lands_late_is_not_posted_twice() -> None:
    shop = await with_a_post_under_way()
    for _ in range(2):
        shop.clock.advance(1)
        with pytest.raises(RemoteUnavailable) as caught:
            await shop.sync("p1")
    assert (caught.value.retry_after, shop.rows.calls) == (23.0, [])
    shop.rows.arrive()
    assert (await shop.sync("p1")).result == "updated"
    assert shop.numbers() == shop.shown_mails() == ["anna@probe.de", "bert@probe.de"]
    assert (shop.rows.calls, shop.left.records["p1"]["syncStatus"]) == ([], "clean")


async def test_a_row_whose_post_never_lands_is_posted_once_that_is_certain() -> None:
    shop = await with_a_post_under_way()
    shop.clock.advance(24)
    with pytest.raises(RemoteUnavailable):
        await shop.sync("p1")
    shop.clock.advance(1)
    assert (await shop.sync("p1")).result == "updated"
    assert shop.numbers() == ["anna@probe.de", "bert@probe.de"]


async def test_a_post_under_way_is_waited_for_also_where_its_entry_would_go_elsewhere_by_now() -> None:
    shop = await with_a_post_under_way()
    shop.mails("bert@probe.de")
    with pytest.raises(RemoteUnavailable):
        await shop.sync("p1")
    shop.mails("anna@probe.de", "carl@probe.de")
    shop.left.edit("p1", titel="Dr.")
    await shop.sync("p1")
    shop.rows.arrive()
    await _quiet(shop)
    assert shop.shown_mails() == ["anna@probe.de", "carl@probe.de"]
    assert shop.numbers() == ["anna@probe.de", "carl@probe.de", ""]


async def test_a_broken_off_look_does_not_forget_the_posts_of_an_earlier_one() -> None:
    shop = await with_a_post_under_way()
    shop.mails("anna@probe.de", "carl@probe.de")
    shop.rows.is_slow = True
    with pytest.raises(RemoteUnavailable):
        await shop.sync("p1")
    shop.rows.is_slow = False
    shop.mails("anna@probe.de", "bert@probe.de")
    with pytest.raises(RemoteUnavailable):
        await shop.sync("p1")
    shop.rows.arrive()
    await _quiet(shop)
    assert sorted(shop.numbers()) == ["", "anna@probe.de", "bert@probe.de"]


REFUSALS = [
    Locked("open at a desk"),
    RateLimited("advoware"),
    RemoteUnavailable("advoware", "not connected"),
    RemoteRejected("advoware", 400, "no"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda e: type(e).__name__)
async def test_a_refused_post_of_a_row_is_not_waited_for(error: SyncError) -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.mails("anna@probe.de", "bert@probe.de")

    def refuse(point: str) -> None:
        if point == "rows.create.before":
            raise error

    shop.faults.hook = refuse
    with suppress(TransientError):
        await shop.sync("p1")
    assert shop.rows.calls == ["create"]
    shop.faults.clear()
    await shop.sync("p1")
    assert shop.numbers() == ["anna@probe.de", "bert@probe.de"]


async def created(shop: Shop) -> None:
    shop.left.seed("p1", lastName="Probe")
    shop.mails("anna@probe.de", "bert@probe.de")


async def changed_left(shop: Shop) -> None:
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.mails("neu@probe.de", "bert@probe.de", "carl@probe.de")
    shop.left.edit("p1", titel="Dr.")


async def changed_right(shop: Shop) -> None:
    await shop.with_mails("anna@probe.de")
    shop.at_the_desk(0, "neu@probe.de")
    shop.typed_at_the_desk(1, "0711 12345")


async def conflict(shop: Shop) -> None:
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.mails("espo@probe.de", "bert@probe.de")
    shop.at_the_desk(0, "desk@probe.de")
    shop.typed_at_the_desk(1, "nur vormittags")


async def slot_reused(shop: Shop) -> None:
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.mails("bert@probe.de")
    await shop.sync("p1")
    shop.mails("bert@probe.de", "carl@probe.de", "dora@probe.de")


async def changed_on_both(shop: Shop) -> None:
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.mails("anna@neu.de", "bert@probe.de", "carl@probe.de")
    shop.at_the_desk(1, "bert@neu.de")
    shop.left.edit("p1", titel="Dr.")
    shop.right.edit(shop.betnr(), zusatz="c/o Probe")


SCENES = [created, changed_left, changed_right, conflict, slot_reused, changed_on_both]


async def test_an_address_added_at_any_moment_before_a_list_is_written_stays() -> None:
    for number in itertools.count():
        shop = Shop()
        await changed_on_both(shop)
        shop.faults.points.clear()

        def adds_one(point: str, at: int = number, shop: Shop = shop) -> None:
            if len(shop.faults.points) == at + 1:
                shop.adds_a_mail("dora@probe.de")

        shop.faults.hook = adds_one
        await shop.sync("p1")
        writes = [at for at, point in enumerate(shop.faults.points) if point == "left.update.before"]
        if number >= writes[0]:
            break
        await _quiet(shop)
        mails = ["anna@neu.de", "bert@neu.de", "carl@probe.de", "dora@probe.de"]
        assert sorted(shop.shown_mails()) == sorted(shop.numbers()) == mails, shop.faults.points[number]
        shown = shop.left.records["p1"]
        assert (shown["zusatz"], shop.party()["titel"], shown["syncStatus"]) == ("c/o Probe", "Dr.", "clean")
        assert shop.notifier.notes == []
    assert number > 8


async def test_a_list_that_never_stands_still_is_left_to_the_next_look() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.typed_at_the_desk(4, "desk@probe.de")

    def adds_one(point: str) -> None:
        if point == "left.read.before":
            shop.adds_a_mail(f"neu{len(shop.faults.points)}@probe.de")

    shop.faults.hook = adds_one
    with pytest.raises(StaleVersion):
        await shop.sync("p1")
    assert "desk@probe.de" not in shop.shown_mails()
    shop.faults.clear()
    await _quiet(shop)
    assert sorted(shop.shown_mails()) == sorted(shop.numbers())
    assert len(shop.numbers()) == len({"anna", "desk"}) + 5


async def test_a_record_that_goes_before_its_list_is_written() -> None:
    """It is a deletion like any other, and is no error."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.typed_at_the_desk(4, "desk@probe.de")

    def goes(point: str) -> None:
        if point == "links.announce.after":
            shop.left.records.pop("p1", None)

    shop.faults.hook = goes
    assert (await shop.sync("p1")).result == "deleted_left"


async def _quiet(shop: Shop) -> None:
    for _ in range(6):
        shop.clock.advance(120)
        before = shop.writes
        await shop.sync("p1")
        if shop.writes == before:
            return
    raise AssertionError("it never came to rest")


def _end(shop: Shop) -> dict[str, Any]:
    rows = [(row["tlf"], row["bemerkung"]) for row in shop.party()["kommunikation"]]
    left = shop.left.records["p1"]
    return {
        "lists": (left["emailAddressData"], left["phoneNumberData"], left["syncStatus"], left["titel"]),
        "rows": sorted(rows),
        "parties": len(shop.right.records),
        "notes": sorted(part for _, _, text in shop.notifier.notes for part in text.rpartition("(")[0].split("\n\n")),
        "pending": dict(shop.links.rows["p1"].pending),
    }


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("error", [Crash, TransientError], ids=["crash", "failed call"])
async def test_broken_off_at_any_step_ends_as_if_nothing_had_happened(scene: Scene, error: type[BaseException]) -> None:
    shop = Shop()
    await scene(shop)
    shop.faults.points.clear()
    await shop.sync("p1")
    points = len(shop.faults.points)
    await _quiet(shop)
    expected = _end(shop)
    assert points > 3
    for number in range(points):
        shop = Shop()
        await scene(shop)
        shop.faults.fail_at(number, error("lost"))
        with suppress(error):
            await shop.sync("p1")
        shop.faults.clear()
        await _quiet(shop)
        assert _end(shop) == expected, f"broken off at point {number}"
