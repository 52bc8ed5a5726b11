"""One record through the engine: what is on both sides afterwards, what the user is told, and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from office import ANNA, Office

from recordsync import EngineSettings
from recordsync.memory.look import RELEASED
from synckit.errors import AuthenticationRefused, Locked, RemoteRejected, RemoteUnavailable
from synckit.ports import Commit


async def test_a_new_person_is_created_with_three_calls() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe", firstName="Paula", dateOfBirth="1980-02-29", salutationName="Frau")
    outcome = await office.sync("p1")
    record = office.left.records["p1"]
    assert outcome.result == "created"
    assert office.calls == 3
    assert record["syncStatus"] == "clean"
    assert record["advowareRowId"] == office.party()["rowId"]
    assert office.party()["name"] == "Probe"
    assert office.party()["geburtsdatum"] == "1980-02-29T00:00:00"


async def test_a_company_takes_its_name_from_firmenname() -> None:
    office = Office()
    office.left.seed("c1", firmenname="Probe GmbH", rechtsform="GmbH", lastName="left over")
    await office.sync("c1")
    assert office.party("c1")["name"] == "Probe GmbH"
    assert office.party("c1")["vorname"] is None


async def test_an_update_with_a_write_costs_four_calls() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    outcome = await office.sync("p1")
    assert (outcome.right_writes, outcome.left_writes, office.calls) == (1, 1, 4)
    assert office.party()["titel"] == "Dr."
    assert office.left.records["p1"]["advowareRowId"] == office.party()["rowId"]


async def test_nothing_to_do_costs_two_reads_and_no_write() -> None:
    office = Office()
    await office.linked()
    outcome = await office.sync("p1")
    assert (outcome.result, office.calls, office.writes) == ("unchanged", 2, 0)


async def test_a_change_at_the_desk_comes_over_in_one_write() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="c/o Probe", familienstand="ledig")
    await office.sync("p1")
    assert office.left.records["p1"]["zusatz"] == "c/o Probe"
    assert office.left.records["p1"]["familienstand"] == "ledig"
    assert office.calls == 3


async def test_different_fields_changed_on_both_sides_end_on_both_sides() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", lastName="Neu")
    office.right.edit(betnr, anrede="Frau")
    await office.sync("p1")
    assert office.party()["name"] == "Neu"
    assert office.party()["anrede"] == office.left.records["p1"]["salutationName"] == "Frau"
    assert office.notifier.notes == []


async def test_the_same_field_on_both_sides_is_espocrms_and_the_user_is_told_both_values() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", firstName="Petra")
    office.right.edit(betnr, vorname="Pia")
    outcome = await office.sync("p1")
    (note,) = office.notifier.notes
    assert office.party()["vorname"] == office.left.records["p1"]["firstName"] == "Petra"
    assert note[:2] == ("p1", ANNA)
    assert "„Petra“" in note[2]
    assert "„Pia“" in note[2]
    assert (outcome.conflicts, office.calls) == (1, 4)
    await office.sync("p1")
    assert len(office.notifier.notes) == 1


async def test_the_same_conflict_later_is_a_new_cause() -> None:
    office = Office()
    betnr = await office.linked()
    for _ in range(2):
        office.left.edit("p1", firstName="Petra")
        office.right.edit(betnr, vorname="Pia")
        await office.sync("p1")
        office.left.edit("p1", firstName="Paula")
        await office.sync("p1")
        await office.sync("p1")
    assert len(office.notifier.notes) == 2


async def test_a_field_that_advoware_keeps_is_a_notice_once_a_value() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", geburtsname="Anders")
    await office.sync("p1")
    await office.sync("p1")
    assert len(office.notifier.notes) == 1
    assert office.party()["geburtsname"] is None


async def test_a_field_that_did_not_take_is_told_once_and_not_tried_again_until_its_value_changes() -> None:
    office = Office()
    await office.linked()
    office.right.ignored = {"titel"}
    office.left.edit("p1", titel="Dr.", zusatz="c/o Probe")
    await office.sync("p1")
    office.forget_calls()
    again = await office.sync("p1")
    assert (office.party()["titel"], office.party()["zusatz"]) == (None, "c/o Probe")
    assert len(office.notifier.notes) == 1
    assert "Titel" in office.notifier.notes[0][2]
    assert (again.result, office.writes) == ("unchanged", 0)
    office.left.edit("p1", titel="Prof.")
    await office.sync("p1")
    assert len(office.notifier.notes) == 2


async def test_an_unknown_rechtsform_is_shown_as_sonstige_and_never_written_back() -> None:
    office = Office()
    betnr = await office.linked("c1", rechtsform="GmbH", firmenname="Probe GmbH", lastName=None, firstName=None)
    office.right.edit(betnr, rechtsform="PartG mbB")
    await office.sync("c1")
    assert office.left.records["c1"]["rechtsform"] == "Sonstige"
    office.left.edit("c1", zusatz="neu")
    await office.sync("c1")
    assert office.party("c1")["rechtsform"] == "PartG mbB"


async def test_an_unknown_anrede_is_left_alone_on_both_sides_and_told_once() -> None:
    office = Office()
    betnr = await office.linked(salutationName="Frau")
    office.right.edit(betnr, anrede="Eheleute")
    await office.sync("p1")
    await office.sync("p1")
    assert office.left.records["p1"]["salutationName"] == "Frau"
    assert office.party()["anrede"] == "Eheleute"
    assert len(office.notifier.notes) == 1
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_a_person_who_becomes_a_company_at_the_desk_keeps_the_name() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, rechtsform="GmbH", name="Probe GmbH")
    await office.sync("p1")
    await office.sync("p1")
    assert office.left.records["p1"]["firmenname"] == "Probe GmbH"
    assert office.party()["name"] == "Probe GmbH"
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_a_first_name_that_lost_its_place_at_the_desk_costs_no_write_over_there() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, rechtsform="GmbH")
    office.left.edit("p1", firstName="Neu")
    outcome = await office.sync("p1")
    assert (outcome.right_writes, outcome.left_writes) == (0, 1)
    assert office.left.records["p1"]["firmenname"] == "Probe"
    assert (await office.sync("p1")).result == "unchanged"


async def test_only_the_rechtsform_changed_at_the_desk_moves_the_name_along() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, rechtsform="GmbH")
    await office.sync("p1")
    outcome = await office.sync("p1")
    assert office.left.records["p1"]["firmenname"] == "Probe"
    assert outcome.result == "unchanged"


async def test_a_party_deleted_in_advoware_is_never_recreated() -> None:
    office = Office()
    betnr = await office.linked()
    del office.right.records[betnr]
    outcome = await office.sync("p1")
    record = office.left.records["p1"]
    assert outcome.result == "deleted_right"
    assert record["syncStatus"] == "deleted_in_advoware"
    assert record["advowareDeletedAt"]
    office.left.edit("p1", lastName="Anders")
    await office.sync("p1")
    assert office.right.records == {}
    assert len(office.notifier.notes) == 1


async def test_one_404_is_not_believed() -> None:
    office = Office()
    betnr = await office.linked()
    party = office.right.records.pop(betnr)

    def comes_back(point: str) -> None:
        if point == "right.read.before" and office.right.calls.count(("read", betnr)) == 2:
            office.right.records[betnr] = party

    office.faults.hook = comes_back
    outcome = await office.sync("p1")
    assert outcome.result == "unchanged"
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_a_person_decides_to_create_a_deleted_party_again() -> None:
    office = Office()
    betnr = await office.linked()
    del office.right.records[betnr]
    await office.sync("p1")
    office.left.edit("p1", betnr=None, syncStatus="pending_sync")
    outcome = await office.sync("p1")
    assert outcome.result == "created"
    assert len(office.right.records) == 1
    assert office.left.records["p1"]["advowareDeletedAt"] is None


async def test_a_deletion_in_espocrm_deletes_nothing_and_tells_the_owner() -> None:
    office = Office()
    betnr = await office.linked()
    del office.left.records["p1"]
    outcome = await office.sync("p1")
    again = await office.sync("p1")
    assert (outcome.result, again.result) == ("deleted_left", "left_deleted")
    assert betnr in office.right.records
    assert [(n[0], n[1]) for n in office.notifier.notes] == [("p1", ANNA)]


@pytest.mark.parametrize("in_use", [True, False])
async def test_a_deletion_reaches_advoware_only_where_the_office_said_so_and_the_party_is_unused(in_use: bool) -> None:
    office = Office(EngineSettings(delete="when-unused"))
    betnr = await office.linked()
    office.right.in_use = {betnr} if in_use else set()
    del office.left.records["p1"]
    await office.sync("p1")
    assert (betnr in office.right.records) is in_use
    assert len(office.notifier.notes) == (1 if in_use else 0)


async def test_a_record_restored_in_espocrm_is_linked_again() -> None:
    office = Office()
    betnr = await office.linked()
    record = office.left.records.pop("p1")
    await office.sync("p1")
    office.left.records["p1"] = record
    office.left.edit("p1", titel="Dr.")
    await office.sync("p1")
    assert office.right.records[betnr]["titel"] == "Dr."


async def test_a_record_that_never_existed_is_nothing() -> None:
    office = Office()
    assert (await office.sync("ghost")).result == "nothing"


async def test_two_records_with_one_betnr_are_both_failed_and_neither_is_written() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.seed("p2", lastName="Zwilling", betnr=int(betnr))
    outcome = await office.sync("p2")
    office.left.edit("p1", lastName="Geändert")
    office.right.calls.clear()
    again = await office.sync("p1")
    assert (outcome.result, again.result) == ("duplicate", "duplicate")
    assert "p1" in office.left.records["p2"]["syncErrorMessage"]
    assert "p2" in office.left.records["p1"]["syncErrorMessage"]
    assert office.right.records[betnr]["name"] == "Probe"
    office.left.edit("p2", betnr=None)
    await office.sync("p2")
    await office.sync("p1")
    assert office.right.records[betnr]["name"] == "Geändert"
    assert office.left.records["p1"]["syncStatus"] == office.left.records["p2"]["syncStatus"] == "clean"


async def test_a_betnr_without_a_link_is_adopted_and_differences_are_told() -> None:
    office = Office()
    betnr = office.right.seed(name="Probe", vorname="Pia", titel="Dr.")
    office.left.seed("p1", lastName="Probe", firstName="Paula", betnr=int(betnr), syncStatus="clean")
    outcome = await office.sync("p1")
    assert outcome.result == "adopted"
    assert office.left.records["p1"]["titel"] == "Dr."
    assert office.party()["vorname"] == "Paula"
    assert "Pia" in office.notifier.notes[0][2]


async def test_without_a_base_the_newer_side_wins() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe", firstName="Alt")
    office.clock.advance(60)
    betnr = office.right.seed(name="Probe", vorname="Neu")
    office.left.records["p1"]["betnr"] = int(betnr)
    await office.sync("p1")
    assert office.left.records["p1"]["firstName"] == "Neu"


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("dateOfBirth", "1752-12-31", "Geburtsdatum liegt vor dem 01.01.1753"),
        ("firstName", "V" * 65, "Vorname ist länger als 64 Zeichen"),
    ],
)
async def test_what_advoware_cannot_hold_is_named_and_the_rest_is_synced(attribute: str, value: str, told: str) -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.", **{attribute: value})
    outcome = await office.sync("p1")
    record = office.left.records["p1"]
    assert outcome.result == "refused"
    assert record["syncStatus"] == "failed"
    assert told in record["syncErrorMessage"]
    assert value not in record["syncErrorMessage"]
    assert office.party()["titel"] == "Dr."
    office.left.edit("p1", **{attribute: None})
    await office.sync("p1")
    assert record["syncStatus"] == "clean"


async def test_what_espocrm_cannot_hold_is_named_and_never_sent() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, name="A <B> " + "x" * 120)
    await office.sync("p1")
    assert office.left.records["p1"]["syncStatus"] == "failed"
    assert "Name" in office.left.records["p1"]["syncErrorMessage"]
    assert office.left.records["p1"]["lastName"] == "Probe"


async def test_a_record_without_a_name_is_failed_and_not_created() -> None:
    office = Office()
    office.left.seed("p1", firstName="Paula")
    outcome = await office.sync("p1")
    assert outcome.result == "failed"
    assert "Name" in office.left.records["p1"]["syncErrorMessage"]
    assert office.right.records == {}


async def test_emoji_and_blanks_survive_the_way_there_and_back() -> None:
    office = Office()
    await office.linked(lastName="  Groß \N{GRINNING FACE} ", zusatz="   ")
    outcome = await office.sync("p1")
    assert office.party()["name"] == "Groß \N{GRINNING FACE}"
    assert office.party()["zusatz"] is None
    assert outcome.result == "unchanged"


async def test_the_field_that_espocrm_rejects_is_in_the_message() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="x")

    def reject(point: str) -> None:
        if point == "left.update.before":
            office.faults.clear()
            raise RemoteRejected("espocrm", 400, "validation", field="zusatz")

    office.faults.hook = reject
    outcome = await office.sync("p1")
    assert outcome.result == "failed"
    assert "zusatz" in office.left.records["p1"]["syncErrorMessage"]


async def test_the_brake_holds_a_blanked_name_until_a_person_confirms() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, name="")
    outcome = await office.sync("p1")
    await office.sync("p1")
    assert outcome.result == "held"
    assert office.left.records["p1"]["lastName"] == "Probe"
    assert office.left.records["p1"]["syncStatus"] == "conflict"
    assert len(office.notifier.notes) == 1
    state = await office.links.load("p1")
    await office.links.commit(Commit("p1", state.fence, office.clock.now(), raise_notes=(RELEASED,)))
    await office.sync("p1")
    assert office.left.records["p1"]["lastName"] is None
    assert RELEASED not in (await office.links.load("p1")).notes


async def test_the_brake_lets_go_when_the_side_recovers() -> None:
    office = Office()
    betnr = await office.linked(titel="Dr.", zusatz="x", briefAnrede="Sehr geehrte")
    party = dict(office.right.records[betnr])
    office.right.edit(betnr, **dict.fromkeys(("name", "vorname", "titel", "zusatz", "bAnrede")))
    await office.sync("p1")
    office.right.edit(betnr, **{k: party[k] for k in ("name", "vorname", "titel", "zusatz", "bAnrede")})
    await office.sync("p1")
    assert office.left.records["p1"]["syncStatus"] == "clean"
    assert office.left.records["p1"]["titel"] == "Dr."


async def test_an_edit_between_our_read_and_our_write_is_synced_in_the_same_look() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    office.left.race = {"zusatz": "im selben Augenblick"}
    await office.sync("p1")
    assert office.party()["zusatz"] == "im selben Augenblick"
    assert office.party()["titel"] == "Dr."


async def test_a_lost_answer_of_a_create_adopts_the_party_at_one_extra_read() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")

    def lost(point: str) -> None:
        if point == "right.create.after":
            office.faults.clear()
            raise RemoteUnavailable("advoware", "no answer", maybe_applied=True)

    office.faults.hook = lost
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    assert office.left.records["p1"]["syncStatus"] == "syncing"
    outcome = await office.sync("p1")
    assert outcome.result == "recovered"
    assert len(office.right.records) == 1
    assert office.right.calls.count(("candidates", "")) == 1
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_an_edit_after_a_lost_create_is_believed_although_the_look_that_found_the_party_broke_off() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    office.faults.hook = fails_once_at(office, "right.create.after")
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    office.clock.advance(60)
    office.left.edit("p1", firstName="Paula")
    office.clock.advance(60)
    office.faults.hook = fails_once_at(office, "links.announce.before")
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    office.clock.advance(60)
    assert (await office.sync("p1")).result == "updated"
    assert (office.party()["vorname"], office.left.records["p1"]["syncStatus"]) == ("Paula", "clean")


def fails_once_at(office: Office, where: str) -> Callable[[str], None]:
    def lost(point: str) -> None:
        if point == where:
            office.faults.clear()
            raise RemoteUnavailable("advoware", "no answer", maybe_applied=True)

    return lost


async def test_a_post_that_may_still_arrive_is_waited_for() -> None:
    office = Office(EngineSettings(right_timeout=timedelta(seconds=30)))
    office.left.seed("p1", lastName="Probe")

    def reset(point: str) -> None:
        if point == "right.create.before":
            office.faults.clear()
            raise RemoteUnavailable("advoware", "reset", maybe_applied=True)

    office.faults.hook = reset
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    with pytest.raises(RemoteUnavailable) as waiting:
        await office.sync("p1")
    assert waiting.value.retry_after == pytest.approx(30)
    office.clock.advance(31)
    await office.sync("p1")
    assert len(office.right.records) == 1


async def test_a_connection_that_was_refused_leaves_no_intent() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")

    def refused(point: str) -> None:
        if point == "right.create.before":
            office.faults.clear()
            raise RemoteUnavailable("advoware", "connection refused")

    office.faults.hook = refused
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    assert (await office.links.load("p1")).intent is None


async def test_refused_credentials_are_no_records_fault() -> None:
    office = Office()
    await office.linked()

    def refuse(point: str) -> None:
        if point == "right.read.before":
            raise AuthenticationRefused("advoware_auth", retry_after=600)

    office.faults.hook = refuse
    with pytest.raises(RemoteUnavailable) as waiting:
        await office.sync("p1")
    assert waiting.value.retry_after == 600
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_no_lock_service_no_write() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    office.locks.away = True
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    assert office.calls == 0


async def test_the_ladder_has_five_rungs_then_once_a_day_with_one_note() -> None:
    office = Office()
    await office.linked()
    away = RemoteUnavailable("advoware", "503")
    waits = []
    for _ in range(7):
        await office.engine.park("p1", away)
        parked = (await office.links.load("p1")).parked
        assert parked is not None
        waits.append((parked.due_at - office.clock.now()) / timedelta(minutes=1))
        office.clock.advance((parked.due_at - office.clock.now()).total_seconds())
    assert waits == [1, 5, 15, 60, 240, 1440, 1440]
    assert office.left.records["p1"]["syncStatus"] == "permanently_failed"
    assert office.left.records["p1"]["syncRetryCount"] == 7
    assert len(office.notifier.notes) == 1
    await office.sync("p1")
    assert office.left.records["p1"]["syncStatus"] == "clean"
    assert (await office.links.load("p1")).parked is None


async def test_edits_during_an_outage_climb_no_rung() -> None:
    office = Office()
    await office.linked()
    for _ in range(6):
        await office.engine.park("p1", RemoteUnavailable("advoware", "503"))
        office.clock.advance(5)
    parked = (await office.links.load("p1")).parked
    assert parked is not None
    assert parked.attempts == 1
    assert office.left.records["p1"]["syncStatus"] == "failed"


async def test_a_record_is_parked_by_its_holder_only() -> None:
    office = Office()
    await office.linked()
    async with office.locks.hold("beteiligte:p1"):
        with pytest.raises(Locked):
            await office.engine.park("p1", RemoteUnavailable("advoware", "503"))


async def test_a_record_that_may_not_be_read_is_no_silent_success() -> None:
    office = Office()
    await office.linked()

    def forbid(point: str) -> None:
        if point == "left.read.before":
            raise RemoteRejected("espocrm", 403, "no read access")

    office.faults.hook = forbid
    with pytest.raises(RemoteRejected):
        await office.sync("p1")


async def test_the_journal_names_fields_and_rules() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    await office.sync("p1")
    written = [(e.step, e.field, e.side, e.rule) for e in office.links.rows["p1"].journal if e.step == "write"]
    assert written == [("write", "titel", "right", "left_changed")]
