"""Decisions of the engine that were wrong once: A1, A2, A5, B8, G0, G2, G10, G11, G13 of the findings."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from household import Household
from kommunikation_office import Shop
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from recordsync import Companion, Engine, Outcome, Remotes
from recordsync.decide.deletion import KEPT
from recordsync.explain.commands import CARRY_OVER, KEEP_ADVOWARE, CommandPorts, carry_out
from recordsync.testing.brake import FakeBrake
from recordsync.testing.memory import FakePublisher
from synckit.errors import SyncError
from synckit.events import decode
from synckit.ports import Payload, Snapshot
from synckit.reconcile.plan import Side

DAY = timedelta(days=1).total_seconds()
HOUR = timedelta(hours=1).total_seconds()
PARTIES = [f"p{n}" for n in range(40)]
ALLOWED = 5


def items(*mails: str) -> list[dict[str, Any]]:
    return [
        {"emailAddress": mail, "lower": mail.lower(), "primary": n == 0, "optOut": False, "invalid": False}
        for n, mail in enumerate(mails)
    ]


def braked(office: Office) -> FakeBrake:
    """The brake for sweeps in place."""
    brake = FakeBrake(office.links)
    ports = (office.left, office.right, office.links, office.locks, office.notifier, office.clock)
    companion = Companion(KommunikationLists(), office.rows) if isinstance(office, Shop) else None
    office.engine = Engine(BETEILIGTE, Remotes(*ports, brake=brake), office.settings, companion=companion)
    return brake


async def mailing_office(mails: int) -> tuple[Shop, FakeBrake]:
    """Forty parties in step, each with so many addresses of its own."""
    office = Shop()
    brake = braked(office)
    for one in PARTIES:
        office.left.seed(one, lastName=f"Probe {one}", firstName="Paula")
        office.left.edit(one, emailAddressData=items(*(f"{one}.{n}@probe.example" for n in range(mails))))
        await office.sync(one)
    office.forget_calls()
    return office, brake


def live_mails(office: Shop, one: str, side: Side) -> list[str]:
    if side is Side.LEFT:
        return [item["emailAddress"] for item in office.left.records[one]["emailAddressData"] or ()]
    return [row["tlf"] for row in office.party(one)["kommunikation"] if row["tlf"]]


async def sync_all(office: Office, ids: list[str]) -> list[str]:
    results = []
    for one in ids:
        office.clock.advance(1)
        results.append((await office.sync(one)).result)
    return results


@pytest.mark.parametrize(("mails", "kept"), [(1, 0), (4, 2)], ids=["the only one", "two of four"])
@pytest.mark.parametrize("source", list(Side))
async def test_mails_emptied_on_many_are_held(source: Side, mails: int, kept: int) -> None:
    """A source that empties lists of many records is braked as one that empties fields."""
    office, brake = await mailing_office(mails)
    for one in PARTIES:
        if source is Side.LEFT:
            office.left.edit(one, emailAddressData=items(*live_mails(office, one, Side.LEFT)[:kept]))
        else:
            for row in office.party(one)["kommunikation"][kept:]:
                row["tlf"] = ""
            office.right.edit(office.betnr(one))
    results = await sync_all(office, PARTIES)
    lost = sum(len(live_mails(office, one, source.other)) < mails for one in PARTIES)
    assert lost <= ALLOWED, results
    assert source in brake.engaged


@pytest.mark.parametrize("source", list(Side))
async def test_one_mail_over_many_is_held(source: Side) -> None:
    """The same value on many records is nobody's edit."""
    office, brake = await mailing_office(1)
    for one in PARTIES:
        if source is Side.LEFT:
            office.left.edit(one, emailAddressData=items("alle@gleich.example"))
        else:
            office.party(one)["kommunikation"][0]["tlf"] = "alle@gleich.example"
            office.right.edit(office.betnr(one))
    results = await sync_all(office, PARTIES)
    taken = sum("alle@gleich.example" in live_mails(office, one, source.other) for one in PARTIES)
    assert taken <= ALLOWED, results
    assert source in brake.engaged


async def test_an_overtaken_put_is_no_edit() -> None:
    """Redis forgets A's lock while A's PUT is under way; B syncs what a user typed; then A's PUT lands."""
    office = Office()
    await office.linked(titel="Dr.")
    office.left.edit("p1", titel="OLD")
    update = office.right.update

    async def overtaken(record_id: str, payload: Payload) -> Snapshot:
        office.right.update = update  # type: ignore[method-assign]
        for lease in office.locks.held.values():
            lease.lost = True
        office.locks.held.clear()
        office.clock.advance(2)
        office.left.edit("p1", titel="NEW")
        await office.sync("p1")
        office.clock.advance(2)
        return await update(record_id, payload)

    office.right.update = overtaken  # type: ignore[method-assign]
    with suppress(SyncError):
        await office.sync("p1")
    office.clock.advance(60)
    await office.sync("p1")
    await office.sync("p1")
    both = office.left.records["p1"]["titel"], office.party()["titel"]
    told = [text for _, _, text in office.notifier.notes if "NEW" in text and "OLD" in text]
    assert both == ("NEW", "NEW") or told, (both, office.notifier.notes)


async def test_a_field_espocrm_keeps_is_told() -> None:
    """200, and not taken: one note, tried again after a day, for a right may have been mended."""
    office = Office()
    betnr = await office.linked()
    office.left.ignored = {"titel"}
    office.right.edit(betnr, titel="Prof. Dr.")
    await office.sync("p1")
    office.forget_calls()
    again = await office.sync("p1")
    assert [note[2] for note in office.notifier.notes if "Titel" in note[2] and "Prof. Dr." in note[2]]
    assert (again.result, office.writes, len(office.notifier.notes)) == ("unchanged", 0, 1)
    office.left.ignored = set()
    office.clock.advance(DAY + 1)
    await office.sync("p1")
    assert office.left.records["p1"]["titel"] == "Prof. Dr."
    assert len(office.notifier.notes) == 1


async def test_a_childs_field_espocrm_keeps_is_told() -> None:
    """As of a party, and the journal does not say that it was written."""
    home = Household(ADRESSEN)
    row = await home.with_child(adresseStreet="Weg 1", adresseCity="Ort")
    home.children.ignored = {"adresseCity"}
    home.rows.edit(row, ort="Stadt")
    await home.sync("a1")
    await home.sync("a1")
    written = [entry for entry in home.child_links.rows["a1"].journal if entry.field == "ort" and entry.step == "write"]
    assert (len(home.notifier.notes), written) == (1, [])
    home.children.ignored = set()
    home.clock.advance(DAY + 1)
    await home.sync("a1")
    assert home.children.records["a1"]["adresseCity"] == "Stadt"


async def test_a_step_back_of_an_hour_is_believed() -> None:
    """The hour that comes twice: a desk's edit at 02:50 summer time, and again at 02:10 winter time."""
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, titel="Dr.")
    await office.sync("p1")
    office.clock.advance(20 * 60)
    office.right.edit(betnr, titel="Prof.")
    office.right.records[betnr]["geaendertAm"] = (office.clock.now() - timedelta(hours=1)).isoformat()
    await office.sync("p1")
    assert office.left.records["p1"]["titel"] == "Prof."


@pytest.mark.parametrize("side", list(Side))
async def test_an_older_time_is_believed_after_a_day(side: Side) -> None:
    """A remote's clock that was set back may not hide its edits for ever."""
    office = Office()
    betnr = await office.linked()
    back = office.clock.now() - timedelta(days=3)
    if side is Side.RIGHT:
        office.right.edit(betnr, titel="Dr.")
        office.right.records[betnr]["geaendertAm"] = back.isoformat()
    else:
        office.left.edit("p1", titel="Dr.")
        office.left.changed["p1"] = back.replace(microsecond=0)
    assert (await office.sync("p1")).result == "held"
    for _ in range(3):
        office.clock.advance(DAY / 2)
        await office.sync("p1")
    assert (office.left.records["p1"]["titel"], office.party()["titel"]) == ("Dr.", "Dr.")


async def test_an_older_time_holds_one_direction_only() -> None:
    """What EspoCRM's users change goes over, whatever is thought of Advoware's clock."""
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, titel="Dr.")
    office.right.records[betnr]["geaendertAm"] = (office.clock.now() - timedelta(days=3)).isoformat()
    office.left.edit("p1", zusatz="c/o Probe")
    await office.sync("p1")
    assert office.party()["zusatz"] == "c/o Probe"
    assert office.left.records["p1"]["titel"] is None


def erase(office: Office, *names: str) -> None:
    """EspoCRM's "Erase personal data": values are replaced, the others emptied in the same save."""
    office.left.edit("p1", **dict.fromkeys(names, "ERASED:p1"), firstName=None)


async def test_erased_data_stays_in_advoware() -> None:
    """The office must retain; a person decides. The record is held with one note."""
    office = Shop()
    await office.with_mails("paula@probe.example")
    office.left.edit("p1", titel="Dr.", dateOfBirth="1980-02-29")
    await office.sync("p1")
    before = {name: office.party()[name] for name in ("name", "vorname", "titel", "geburtsdatum")}
    erase(office, "lastName")
    office.left.edit("p1", emailAddressData=items("ERASED:p1"))
    office.forget_calls()
    outcomes = [await office.sync("p1"), await office.sync("p1")]
    assert {name: office.party()[name] for name in before} == before
    assert office.numbers() == ["paula@probe.example"]
    assert [outcome.result for outcome in outcomes] == ["held", "held"]
    assert office.left.records["p1"]["syncStatus"] == "conflict"
    assert len(office.notifier.notes) == 1
    assert [entry.rule for entry in office.links.rows["p1"].journal if entry.step == "held"] == ["erased"]


async def test_an_erased_mail_alone_is_held() -> None:
    """One value that says ERASED is enough, in lists as well."""
    office = Shop()
    await office.with_mails("paula@probe.example")
    office.left.edit("p1", emailAddressData=items("ERASED:p1"))
    outcome = await office.sync("p1")
    assert (outcome.result, office.numbers()) == ("held", ["paula@probe.example"])
    assert len(office.notifier.notes) == 1


async def erased_office(publisher: FakePublisher) -> tuple[Shop, CommandPorts]:
    """In step, then erased in EspoCRM and held."""
    office = Shop()
    await office.with_mails("paula@probe.example")
    office.left.edit("p1", zusatz="c/o Probe")
    await office.sync("p1")
    office.left.edit("p1", zusatz="ERASED:p1", emailAddressData=items("ERASED:p1"))
    assert (await office.sync("p1")).result == "held"
    return office, CommandPorts(office.links, office.locks, publisher, office.clock, "beteiligte", "it@host")


async def test_keep_advoware_ends_the_link_for_good() -> None:
    """What is edited on either side afterwards stays where it was edited, and no second party is made."""
    office, ports = await erased_office(FakePublisher())
    betnr = office.betnr()
    await carry_out(KEEP_ADVOWARE, ports, "beteiligte", "p1")
    kept = dict(office.right.records[betnr])
    office.left.edit("p1", lastName="Muster")
    results = await sync_all(office, ["p1", "p1"])
    assert set(results) == {KEPT}
    assert office.right.records == {betnr: kept}
    office.right.edit(betnr, vorname="Pia")
    await office.sync("p1")
    assert office.left.records["p1"]["firstName"] == "Paula"


async def test_carry_over_empties_advoware_once() -> None:
    """The event that it publishes carries the deletion over; what is erased later is held again."""
    publisher = FakePublisher()
    office, ports = await erased_office(publisher)
    said = await carry_out(CARRY_OVER, ports, "beteiligte", "p1")
    ((topic, event),) = publisher.sent
    assert topic == "beteiligte"
    assert decode(event.key, event.value, event.headers).id in said
    await office.sync("p1")
    assert (office.party()["zusatz"], live_mails(office, "p1", Side.RIGHT)) == (None, [])
    office.left.edit("p1", titel="ERASED:p1")
    assert (await office.sync("p1")).result == "held"


async def test_another_betnr_links_anew() -> None:
    """A person corrects a wrong link: one note with both numbers; the old party is let go as it is."""
    office = Office()
    old = await office.linked()
    new = office.right.seed(name="Probe", vorname="Paula", titel="Dr.")
    office.left.edit("p1", betnr=int(new))
    before = dict(office.right.records[old])
    await office.sync("p1")
    link = office.links.rows["p1"].link
    assert link is not None
    assert (link.right_id, office.left.records["p1"]["betnr"]) == (new, int(new))
    assert office.left.records["p1"]["titel"] == "Dr."
    assert office.right.records[old] == before
    (note,) = office.notifier.notes
    assert old in note[2]
    assert new in note[2]


@pytest.mark.parametrize("is_linked", [False, True], ids=["at import", "on a living link"])
async def test_an_unknown_betnr_is_told_as_such(is_linked: bool) -> None:
    """A number that was mistyped was not deleted in Advoware."""
    office = Office()
    if is_linked:
        await office.linked()
        office.left.edit("p1", betnr=987_654)
    else:
        office.left.seed("p1", lastName="Probe", firstName="Paula", betnr=987_654)
    await office.sync("p1")
    record = office.left.records["p1"]
    assert record["syncStatus"] == "failed"
    assert "987654" in record["syncErrorMessage"]
    assert "gibt es dort nicht" in record["syncErrorMessage"]
    assert "gelöscht" not in " ".join(text for _, _, text in office.notifier.notes)


async def test_a_forgotten_link_whose_party_is_gone_is_a_deletion() -> None:
    """A database from a backup knows the link no more; EspoCRM still shows number and version as we wrote them."""
    office = Office()
    office.left.seed("p1", lastName="Probe", firstName="Paula", betnr=987_654, advowareRowId="tt6ag1AAAAzB")
    await office.sync("p1")
    await office.sync("p1")
    assert office.left.records["p1"]["syncStatus"] == "deleted_in_advoware"
    (note,) = office.notifier.notes
    assert "987654" in note[2]
    assert office.right.records == {}


async def test_no_betnr_and_pending_unlinks() -> None:
    """Emptied by a person who had seen it, together with the wish to be synced: unlinked and asked, never posted."""
    office = Office()
    betnr = await office.linked()
    await office.sync("p1")
    before = dict(office.right.records[betnr])
    office.left.edit("p1", betnr=None, syncStatus="pending_sync")
    office.forget_calls()
    await office.sync("p1")
    await office.sync("p1")
    link = office.links.rows["p1"].link
    assert link is None or link.tombstone
    assert len(office.right.records) == 1
    assert office.right.records[betnr] == before
    assert len(office.notifier.notes) == 1


async def test_a_person_made_a_company_loses_the_first_name() -> None:
    """Fields that only the old kind has are emptied in the same write, and told."""
    office = Office()
    await office.linked(lastName="Umzug", firstName="Eva")
    office.left.edit("p1", firmenname="Umzug UG", rechtsform="UG")
    outcome = await office.sync("p1")
    party = office.party()
    assert (party["name"], party["rechtsform"], party["vorname"]) == ("Umzug UG", "UG", None)
    assert outcome.right_writes == 1
    (note,) = office.notifier.notes
    assert "Eva" in note[2]


async def deleted_on_purpose(office: Office, ids: list[str]) -> list[Outcome]:
    for one in ids:
        del office.left.records[one]
    return [await office.sync(one) for one in ids]


async def test_many_deletions_are_one_note_with_the_command() -> None:
    """Twenty parties deleted on purpose: IT is told once, with the command that lets them go."""
    office = Office()
    braked(office)
    for one in PARTIES:
        await office.linked(one, lastName=f"Probe {one}")
    held = [o for o in await deleted_on_purpose(office, PARTIES[:20]) if o.result == "held"]
    assert held
    notes = [text for _, _, text in office.notifier.notes if "brake release espocrm" in text]
    assert len(notes) == 1


async def test_a_release_of_deletions_holds_for_the_day() -> None:
    """What IT answered once is not asked again within the day."""
    office = Office()
    brake = braked(office)
    for one in PARTIES:
        await office.linked(one, lastName=f"Probe {one}")
    await deleted_on_purpose(office, PARTIES[:20])
    brake.release(Side.LEFT, office.clock.now() + office.settings.brake.window)
    again = await sync_all(office, PARTIES[:20])
    assert set(again) == {"deleted_left"}
    office.clock.advance(6 * HOUR)
    later = await deleted_on_purpose(office, PARTIES[20:32])
    assert {outcome.result for outcome in later} == {"deleted_left"}
