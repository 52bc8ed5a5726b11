"""Addresses through the engine: what takes, what is left to the desk, what waits, what follows, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from household import PARTY, Household
from office import ANNA

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from synckit.errors import RemoteUnavailable
from synckit.ports import WAITS_FOR_PARENT

HOME: dict[str, Any] = {
    "adresseStreet": "Hauptstr. 1",
    "adressePostalCode": "70173",
    "adresseCity": "Stuttgart",
    "adresseCountry": "Deutschland",
}


def household() -> Household:
    return Household(ADRESSEN)


async def test_a_new_address_is_created_with_three_calls_and_carries_its_id() -> None:
    house = household()
    betnr = await house.with_party()
    house.child(**HOME, isStandard=True, gueltigVon="2026-01-01")
    outcome = await house.sync("a1")
    row, record = house.row(), house.children.records["a1"]
    assert (outcome.result, house.calls) == ("created", 3)
    assert (row["strasse"], row["land"], row["standardAnschrift"]) == ("Hauptstr. 1", "DE", True)
    assert row["anschrift"] == "Hauptstr. 1\n70173 Stuttgart"
    assert row["bemerkung"] == "EspoCRM-ID: a1"
    assert (record["syncStatus"], record["advowareId"], record["advowareRowId"]) == ("clean", row["id"], row["rowId"])
    assert house.right_id() == f"{betnr}/{row['id']}"
    assert "syncRetryCount" not in record


async def test_nothing_to_do_costs_two_reads() -> None:
    house = household()
    await house.with_child(**HOME)
    outcome = await house.sync("a1")
    assert (outcome.result, house.calls, house.writes) == ("unchanged", 2, 0)


async def test_an_update_of_what_takes_costs_four_calls_and_the_label_follows() -> None:
    house = household()
    await house.with_child(**HOME)
    house.children.edit("a1", adresseStreet="Nebenweg 2")
    await house.sync("a1")
    assert house.calls == 4
    assert (house.row()["strasse"], house.row()["anschrift"]) == ("Nebenweg 2", "Nebenweg 2\n70173 Stuttgart")
    assert house.children.records["a1"]["beschreibung"] is None
    assert (await house.sync("a1")).result == "unchanged"


async def test_a_label_that_a_user_wrote_is_sent_as_it_is() -> None:
    house = household()
    await house.with_child(**HOME, beschreibung="Paula Probe\nHauptstr. 1")
    assert house.row()["anschrift"] == "Paula Probe\nHauptstr. 1"
    house.children.edit("a1", beschreibung=None)
    await house.sync("a1")
    assert house.row()["anschrift"] == "Hauptstr. 1\n70173 Stuttgart"


async def test_a_field_that_no_put_takes_is_one_note_with_the_steps_and_no_second_try() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.children.edit("a1", gueltigBis="2026-12-31")
    await house.sync("a1")
    (note,) = house.notifier.notes
    assert note[:2] == (PARTY, ANNA)
    assert "Gültig bis" in note[2]
    assert "31.12.2026" in note[2]
    assert all(part in note[2] for part in right_id.split("/"))
    record = house.children.records["a1"]
    assert (record["syncStatus"], "Gültig bis" in record["syncErrorMessage"]) == ("manual_action", True)
    house.forget_calls()
    await house.sync("a1")
    assert (house.writes, len(house.notifier.notes)) == (0, 1)
    house.rows.edit(right_id, gueltigBis="2026-12-31T00:00:00")
    await house.sync("a1")
    assert (record["syncStatus"], record["syncErrorMessage"]) == ("clean", None)
    house.children.edit("a1", gueltigBis="2027-12-31")
    await house.sync("a1")
    assert len(house.notifier.notes) == 2


async def test_a_field_that_did_not_take_is_one_note_and_no_second_try_until_its_value_changes() -> None:
    house = household()
    await house.with_child(**HOME, beschreibung="Etikett")
    house.rows.ignored = {"plz"}
    house.children.edit("a1", adressePostalCode="70174", adresseCity="Ulm")
    await house.sync("a1")
    house.forget_calls()
    await house.sync("a1")
    assert (house.row()["plz"], house.row()["ort"]) == ("70173", "Ulm")
    assert (len(house.notifier.notes), house.writes) == (1, 0)
    assert house.children.records["a1"]["syncStatus"] == "manual_action"
    house.rows.ignored = set()
    house.children.edit("a1", adressePostalCode="70175")
    await house.sync("a1")
    assert house.row()["plz"] == "70175"
    assert house.children.records["a1"]["syncStatus"] == "clean"


async def test_a_desks_changes_come_over_whatever_the_field() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.rows.edit(right_id, ort="Ulm", land="CH", postfach="12", anschrift="Hauptstr. 1\n70173 Ulm\nSchweiz")
    await house.sync("a1")
    record = house.children.records["a1"]
    assert (record["adresseCity"], record["adresseCountry"], record["postfach"]) == ("Ulm", "Schweiz", "12")
    assert record["beschreibung"] is None
    assert house.rows.calls.count(("update", right_id)) == 0


async def test_a_label_that_a_desk_wrote_is_kept() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.rows.edit(right_id, anschrift="Frau Paula Probe\nHauptstr. 1")
    await house.sync("a1")
    await house.sync("a1")
    assert house.children.records["a1"]["beschreibung"] == "Frau Paula Probe\nHauptstr. 1"
    assert house.row()["anschrift"] == "Frau Paula Probe\nHauptstr. 1"


async def test_unknown_country_leaves_the_address_alone() -> None:
    """Only the country is left to the desk, told once with the steps; the rest is there and follows changes."""
    house = household()
    await house.with_party()
    house.child(**{**HOME, "adresseCountry": "Narnia"})
    outcome = await house.sync("a1")
    record = house.children.records["a1"]
    assert (outcome.result, record["syncStatus"]) == ("created", "manual_action")
    assert record["syncErrorMessage"] == "Am Arbeitsplatz in Advoware nachzutragen: Land."
    assert (house.row()["strasse"], house.row()["land"]) == ("Hauptstr. 1", None)
    (note,) = house.notifier.notes
    assert all(part in note[2] for part in ("Land", "Narnia", "Register „Adressen“"))
    house.forget_calls()
    assert ((await house.sync("a1")).result, house.writes) == ("unchanged", 0)
    house.children.edit("a1", adresseCity="Ulm")
    await house.sync("a1")
    assert (house.row()["ort"], len(house.notifier.notes)) == ("Ulm", 1)


async def test_a_child_before_its_parent_waits_and_goes_on_when_the_parent_is_linked() -> None:
    house = household()
    house.party_left.seed(PARTY, lastName="Probe", assignedUserId=ANNA)
    house.child(**HOME)
    outcome = await house.sync("a1")
    state = await house.child_links.load("a1")
    assert (outcome.result, house.writes) == ("waits_for_parent", 0)
    assert state.parked is not None
    assert (state.parked.reason, state.parked.attempts) == (WAITS_FOR_PARENT, 0)
    assert house.children.records["a1"]["syncStatus"] == "pending_sync"
    await house.party_synced()
    assert await house.deliver() == ["a1"]
    assert house.row()["strasse"] == "Hauptstr. 1"
    assert (await house.child_links.load("a1")).parked is None


async def test_a_wake_that_was_lost_is_found_by_the_ticker() -> None:
    house = household()
    house.party_left.seed(PARTY, lastName="Probe")
    house.child(**HOME)
    await house.sync("a1")
    assert await house.child_links.due(house.clock.now(), 10) == []
    house.publisher.refuse = True
    await house.party_synced()
    assert await house.child_links.due(house.clock.now(), 10) == ["a1"]


async def test_a_parent_that_is_linked_while_the_child_goes_to_sleep_is_noticed() -> None:
    house = household()
    betnr = await house.with_party()
    linked = house.party_links.rows.pop(PARTY)
    house.child(**HOME)

    def comes(point: str) -> None:
        if point == "links.commit.before":
            house.party_links.rows[PARTY] = linked

    house.faults.hook = comes
    assert (await house.sync("a1")).result == "created"
    assert house.right_id().startswith(f"{betnr}/")


async def test_an_address_without_a_party_waits_for_one() -> None:
    house = household()
    house.children.seed("a1", **HOME)
    assert (await house.sync("a1")).result == "waits_for_parent"
    assert house.writes == 0


async def test_children_follow_a_parent_that_was_deleted_in_advoware() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.party_right.records.pop(right_id.partition("/")[0])
    await house.party_synced()
    notes = len(house.notifier.notes)
    assert await house.deliver() == ["a1"]
    record = house.children.records["a1"]
    assert (record["syncStatus"], len(house.notifier.notes)) == ("deleted_in_advoware", notes)
    house.child("a2", **HOME)
    assert (await house.sync("a2")).result == "waits_for_parent"
    assert house.children.records["a2"]["syncStatus"] == "deleted_in_advoware"
    house.forget_calls()
    house.children.edit("a1", adresseCity="Ulm")
    await house.sync("a1")
    await house.sync("a2")
    assert house.writes == 0


async def test_a_parent_that_a_person_creates_again_takes_its_children_along() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.party_right.records.pop(right_id.partition("/")[0])
    await house.party_synced()
    await house.deliver()
    house.party_left.edit(PARTY, betnr=None, syncStatus="pending_sync")
    await house.party_synced()
    assert await house.deliver() == ["a1"]
    assert house.right_id() != right_id
    assert house.children.records["a1"]["syncStatus"] == "clean"


async def test_an_address_deleted_in_espocrm_is_one_note_with_the_steps_and_stays_at_the_desk() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    del house.children.records["a1"]
    await house.sync("a1")
    await house.sync("a1")
    await house.party_synced()
    (note,) = house.notifier.notes
    assert note[:2] == (PARTY, ANNA)
    assert "Hauptstr. 1, 70173 Stuttgart" in note[2]
    assert right_id in house.rows.records
    assert (await house.deliver(), house.children.records) == ([], {})


async def test_an_address_deleted_at_a_desk_is_never_made_again() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    del house.rows.records[right_id]
    await house.sync("a1")
    house.children.edit("a1", adresseCity="Ulm")
    await house.sync("a1")
    await house.party_synced()
    assert house.rows.records == {}
    assert house.children.records["a1"]["syncStatus"] == "deleted_in_advoware"
    assert len(house.notifier.notes) == 1


async def test_a_person_lets_an_address_be_made_again() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    del house.rows.records[right_id]
    await house.sync("a1")
    house.children.edit("a1", advowareId=None, syncStatus="pending_sync")
    await house.sync("a1")
    assert house.row()["strasse"] == "Hauptstr. 1"
    assert house.children.records["a1"]["syncStatus"] == "clean"


async def test_an_address_made_at_a_desk_comes_over_once() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, strasse="Am Markt 3", plz="89073", ort="Ulm", land="DE", anschrift="Am Markt 3\n89073 Ulm")
    for _ in range(2):
        await house.party_synced()
    (record_id,) = house.children.records
    await house.deliver()
    house.forget_calls()
    await house.party_synced()
    record = house.children.records[record_id]
    assert house.calls == 2
    assert (record["beteiligteId"], record["name"]) == (PARTY, "Am Markt 3, 89073 Ulm")
    assert (record["adresseCountry"], record["beschreibung"]) == ("Deutschland", None)
    assert (record["syncStatus"], house.right_id(record_id).startswith(betnr)) == ("clean", True)
    assert (house.row(record_id)["bemerkung"], house.notifier.notes) == (None, [])


async def test_a_row_that_shows_nothing_is_not_taken_over() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr)
    await house.party_synced()
    assert house.children.records == {}


async def test_a_look_at_the_party_finds_at_no_extra_call_what_a_desk_changed() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    house.rows.edit(right_id, ort="Ulm")
    house.forget_calls()
    await house.party_synced()
    assert house.calls == 2
    assert await house.deliver() == ["a1"]
    assert house.children.records["a1"]["adresseCity"] == "Ulm"
    await house.party_synced()
    assert await house.deliver() == []


async def test_a_row_whose_link_is_missing_wakes_the_record_that_it_was_made_for() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, strasse="Hauptstr. 1", bemerkung="EspoCRM-ID: a1")
    await house.party_synced()
    assert [record.key for _, record in house.publisher.sent] == [b"a1"]
    assert house.children.records == {}


async def test_a_row_that_a_desk_copied_comes_over_though_it_carries_the_mark_of_another() -> None:
    house = household()
    right_id = await house.with_child(**HOME)
    copy = {name: value for name, value in house.row().items() if name in ADRESSEN.right_writable}
    house.rows.seed(right_id.partition("/")[0], **{**copy, "strasse": "Neue Gasse 2"})
    await house.party_synced()
    (new,) = set(house.children.records) - {"a1"}
    assert await house.deliver() == [new]
    assert house.children.records[new]["adresseStreet"] == "Neue Gasse 2"
    assert [house.children.records[one]["syncStatus"] for one in ("a1", new)] == ["clean", "clean"]
    assert house.right_id() == right_id
    await house.party_synced()
    assert (await house.deliver(), len(house.children.records)) == ([], 2)


async def test_a_lost_answer_finds_the_row_by_its_mark_even_after_a_desk_edited_it() -> None:
    house = household()
    await house.with_party()
    house.child(**HOME)

    def lost(point: str) -> None:
        if point == "right.create.after":
            house.faults.clear()
            raise RemoteUnavailable("advoware", "no answer", maybe_applied=True)

    house.faults.hook = lost
    with pytest.raises(RemoteUnavailable):
        await house.sync("a1")
    (right_id,) = house.rows.records
    house.rows.edit(right_id, ort="Ulm")
    outcome = await house.sync("a1")
    assert (outcome.result, len(house.rows.records)) == ("recovered", 1)
    assert house.children.records["a1"]["syncStatus"] in ("clean", "manual_action")


async def test_an_address_that_was_given_to_another_party_is_failed_and_nothing_is_written() -> None:
    house = household()
    await house.with_child(**HOME)
    house.party_left.seed("p2", lastName="Andere")
    await house.party_synced("p2")
    house.children.edit("a1", beteiligteId="p2")
    house.forget_calls()
    outcome = await house.sync("a1")
    assert outcome.result == "failed"
    assert "Beteiligter" in house.children.records["a1"]["syncErrorMessage"]
    assert all(method == "read" for method, _ in house.rows.calls)


async def test_a_failing_address_goes_up_the_ladder_in_the_states_that_its_type_has() -> None:
    house = household()
    await house.with_child(**HOME)
    away = RemoteUnavailable("advoware", "503")
    for _ in range(6):
        await house.engine.park("a1", away)
        house.clock.advance(86_400)
    record = house.children.records["a1"]
    assert record["syncStatus"] == "failed"
    assert not {"syncRetryCount", "syncNextRetry"} & set(record)
    assert [note[:2] for note in house.notifier.notes] == [(PARTY, ANNA)]


async def test_a_child_that_waited_and_then_fails_begins_at_the_first_rung() -> None:
    house = household()
    house.party_left.seed(PARTY, lastName="Probe")
    house.child(**HOME)
    await house.sync("a1")
    await house.engine.park("a1", RemoteUnavailable("advoware", "503"))
    parked = (await house.child_links.load("a1")).parked
    assert parked is not None
    assert (parked.reason, parked.attempts) == ("remote_unavailable", 1)
