"""An event that a completed look knows of already costs one read, and never hides what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from household import Household
from kommunikation_office import Shop
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.handlers import SyncHandler, left_news
from synckit.engine import Cause
from synckit.engine.notes import RELEASED
from synckit.errors import TransientError
from synckit.events import Action, ChangeEvent, Origin
from synckit.handling import Attempt
from synckit.ports import Attempted, Commit, Intent, Link, Parked


def event(at: datetime, **parts: object) -> ChangeEvent:
    return replace(ChangeEvent("beteiligte", "p1", Action.UPDATE, Origin.ESPOCRM, at, id="e1"), **parts)  # type: ignore[arg-type]


async def told(office: Office, *events: ChangeEvent) -> int:
    """What handling these events together costs, in calls."""
    before = office.calls
    await SyncHandler("beteiligte", office.engine).handle(events[-1], Attempt(1, 0.0, events))
    return office.calls - before


async def test_an_event_told_again_after_its_look_costs_one_read() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    first = event(office.clock.now())
    assert await told(office, first) == 4
    office.clock.advance(600)
    assert await told(office, first) == 1
    assert await told(office, first, first) == 1


async def test_a_body_that_came_again_tells_what_it_told_the_first_time() -> None:
    office = Office()
    await office.linked()
    first = office.clock.now()
    await told(office, event(first))
    office.clock.advance(600)
    assert await told(office, event(office.clock.now())) == 2
    office.clock.advance(600)
    assert await told(office, event(office.clock.now(), repeats=first)) == 1


async def test_an_equal_body_of_another_change_is_synced_like_any() -> None:
    office = Office()
    await office.linked()
    first = event(office.clock.now())
    await told(office, first)
    office.left.edit("p1", titel="Dr.")
    assert await told(office, replace(first, received_at=office.clock.now(), repeats=first.received_at)) == 4
    assert office.party()["titel"] == "Dr."


async def test_where_the_left_side_differs_the_desks_change_is_seen_as_well() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", firstName="Petra")
    office.right.edit(betnr, vorname="Pia")
    await told(office, event(office.clock.now() - timedelta(days=1)))
    assert office.party()["vorname"] == "Petra"
    assert len(office.notifier.notes) == 1


async def test_a_desks_change_is_left_to_whoever_tells_of_it_and_is_found_by_the_next_whole_look() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="c/o Probe")
    looked_at = office.links.rows["p1"].looked_at
    assert await told(office, event(office.clock.now() - timedelta(days=1))) == 1
    assert office.links.rows["p1"].looked_at == looked_at, "a look cut short is no look for the daily round"
    check = event(office.clock.now(), action=Action.SYNC_CHECK, origin=Origin.TICKER)
    await told(office, check)
    assert office.left.records["p1"]["zusatz"] == "c/o Probe"


@pytest.mark.parametrize(
    "other",
    [
        {"origin": Origin.TICKER, "action": Action.SYNC_CHECK},
        {"origin": Origin.ESPOCRM, "action": Action.SYNC_CHECK},
        {"origin": Origin.OPERATOR},
        {"origin": Origin.REPLAY},
        {"origin": Origin.ADVOWARE},
    ],
)
async def test_only_espocrms_own_word_may_be_old_news(other: dict[str, object]) -> None:
    office = Office()
    await office.linked()
    old = event(office.clock.now() - timedelta(days=1))
    assert await told(office, replace(old, **other), old) == 2  # type: ignore[arg-type]


def test_the_newest_of_several_events_counts() -> None:
    office = Office()
    now = office.clock.now()
    assert left_news([event(now, repeats=now - timedelta(hours=1)), event(now - timedelta(minutes=1))]) == (
        now - timedelta(minutes=1)
    )
    assert left_news([]) is None


OPEN: dict[str, Callable[[Office], object]] = {
    "a broken-off write": lambda o: row(o).__setattr__("attempted", (Attempted("titel", "right", "a", "a"),)),
    "an intent": lambda o: row(o).__setattr__("intent", Intent("p1", {}, o.clock.now())),
    "a due try": lambda o: row(o).__setattr__("parked", Parked("p1", 1, o.clock.now(), "x")),
    "a person's word": lambda o: row(o).notes.add(RELEASED),
    "a state that is not clean": lambda o: o.left.edit("p1", syncStatus="pending_sync"),
    "a link that EspoCRM does not show": lambda o: o.left.edit("p1", betnr=None),
    "a base without a field": lambda o: row(o).base.left.pop("titel"),
    "no base": lambda o: (row(o).base.left.clear(), row(o).base.right.clear()),
}


def row(office: Office):  # type: ignore[no-untyped-def]
    """What is remembered of the record."""
    return office.links.rows["p1"]


@pytest.mark.parametrize("what", OPEN)
async def test_where_anything_is_open_both_sides_are_read(what: str) -> None:
    office = Office()
    await office.linked()
    base = row(office).base
    row(office).base = replace(base, left=dict(base.left), right=dict(base.right))
    OPEN[what](office)
    assert await told(office, event(office.clock.now() - timedelta(days=1))) >= 2
    assert {"read"} <= {method for method, _ in office.right.calls}


async def test_a_rival_is_looked_at_before_anything_is_believed() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.seed("p2", lastName="Probe", betnr=betnr)
    fence = (await office.links.load("p2")).fence
    rival = Link("p2", betnr, tombstone="duplicate")
    await office.links.commit(Commit("p2", fence, office.clock.now(), link=rival))
    assert await told(office, event(office.clock.now() - timedelta(days=1))) > 1


async def test_a_deletion_told_again_is_carried_out_where_it_was_not() -> None:
    office = Office()
    await office.linked()
    del office.left.records["p1"]
    gone = event(office.clock.now() - timedelta(days=1), action=Action.DELETE)
    await told(office, gone)
    assert row(office).link.tombstone == "left_deleted"
    assert await told(office, gone) == 1


async def test_a_try_that_fails_after_the_left_side_was_read_is_tried_again_as_a_whole() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    old = event(office.clock.now() - timedelta(days=1))

    def fail(point: str) -> None:
        if point.startswith("right.read"):
            raise TransientError("lost")

    office.faults.hook = fail
    with pytest.raises(TransientError):
        await told(office, old)
    office.faults.clear()
    await told(office, old)
    assert office.party()["titel"] == "Dr."


async def test_a_changed_number_or_address_is_seen_as_a_change_of_the_left_side() -> None:
    shop = Shop()
    mail = {"emailAddress": "a@x.de", "primary": True, "optOut": False, "invalid": False}
    await shop.linked(emailAddressData=[mail], phoneNumberData=[])
    old = event(shop.clock.now() - timedelta(days=1))
    assert await told(shop, old) == 1
    shop.left.edit("p1", emailAddressData=[{**mail, "emailAddress": "b@x.de"}])
    await told(shop, old)
    assert [each["tlf"] for each in shop.party()["kommunikation"]] == ["b@x.de"]
    shop.left.edit("p1", emailAddressData=[])
    await told(shop, old)
    assert [each["tlf"] for each in shop.party()["kommunikation"]] == [""]


async def test_a_child_is_old_news_only_below_the_parent_it_was_linked_under() -> None:
    home = Household(ADRESSEN)
    await home.with_child(strasse="Probeweg 1", plz="12345", ort="Probe", land="DE")
    home.forget_calls()
    home.rows.calls.clear()
    home.children.calls.clear()
    old = Cause(left_news=home.clock.now() - timedelta(days=1))
    await home.engine.sync("a1", old)
    assert len(home.children.calls) == 1
    assert len(home.rows.calls) == 0
    parent = home.party_links.rows["p1"]
    assert parent.link is not None
    parent.link = replace(parent.link, tombstone="right_gone")
    await home.engine.sync("a1", old)
    assert len(home.rows.calls) >= 1
