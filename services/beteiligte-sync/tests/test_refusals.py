"""What a remote refuses: field, reason and value at the record, the rest is written, and nothing is tried in vain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from household import Household
from kommunikation_office import Shop
from office import Office
from test_adressen import HOME

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from recordsync.refusals import digest
from recordsync.testing.remotes import FakeLeft
from synckit.errors import RemoteRejected

DAY = 86_400
Rule = Callable[[Mapping[str, Any]], tuple[str, str] | None]
"""Of a body that is sent: the field that is refused and why, None where all of it is taken."""


def strict(left: FakeLeft, rule: Rule) -> list[Mapping[str, Any]]:
    """EspoCRM with a validation of its own. Answers the bodies that it was sent."""
    sent: list[Mapping[str, Any]] = []
    update = left.update

    async def checked(record_id: str, payload: Mapping[str, Any]) -> Any:
        sent.append(payload)
        refused = rule(payload)
        if refused is not None:
            left.calls.append(("update", record_id))
            raise RemoteRejected("espocrm", 400, refused[1], field=refused[0])
        return await update(record_id, payload)

    left.update = checked  # type: ignore[method-assign]
    return sent


def no(attribute: str, kind: str, *, field: str = "") -> Rule:
    """Every value but nothing is refused."""
    return lambda body: (field or attribute, kind) if body.get(attribute) is not None else None


async def test_one_refused_field_is_named_and_others_are_written() -> None:
    office = Office()
    betnr = await office.linked()
    strict(office.left, no("titel", "maxLength"))
    office.right.edit(betnr, titel="Prof. Dr. Dr. h. c.", zusatz="c/o Muster")
    outcome = await office.sync("p1")
    record = office.left.records["p1"]
    assert (record["titel"], record["zusatz"], record["syncStatus"]) == (None, "c/o Muster", "failed")
    for part in ("Titel", "zu lang", "„Prof. Dr. Dr. h. c.“", "EspoCRM", "titel"):
        assert part in record["syncErrorMessage"]
    assert outcome.result == "failed"
    assert [(each.upstream, each.status, each.field) for each in outcome.refused] == [("espocrm", 400, "titel")]


async def test_a_refused_field_is_not_tried_until_something_changes() -> None:
    office = Office()
    betnr = await office.linked()
    strict(office.left, no("titel", "pattern"))
    office.right.edit(betnr, titel="Dr.")
    await office.sync("p1")
    for _ in range(3):
        office.forget_calls()
        outcome = await office.sync("p1")
        assert (office.calls, office.writes, outcome.result) == (2, 0, "failed")
    office.right.edit(betnr, titel="Prof.")
    await office.sync("p1")
    assert "Prof." in office.left.records["p1"]["syncErrorMessage"]


async def test_a_refused_field_is_tried_after_a_day() -> None:
    office = Office()
    betnr = await office.linked()
    update = office.left.update
    strict(office.left, no("titel", "valid"))
    office.right.edit(betnr, titel="Dr.")
    await office.sync("p1")
    office.left.update = update  # type: ignore[method-assign]
    office.clock.advance(DAY - 120)
    await office.sync("p1")
    assert office.left.records["p1"]["titel"] is None
    office.clock.advance(180)
    await office.sync("p1")
    record = office.left.records["p1"]
    assert (record["titel"], record["syncStatus"], record["syncErrorMessage"]) == ("Dr.", "clean", None)


async def test_a_person_who_asks_has_a_refused_field_tried_at_once() -> None:
    """By `pending_sync`, once: where it is refused again, it is `failed` again."""
    office = Office()
    betnr = await office.linked()
    update = office.left.update
    sent = strict(office.left, no("titel", "valid"))
    office.right.edit(betnr, titel="Dr.")
    await office.sync("p1")
    office.left.edit("p1", syncStatus="pending_sync")
    tried = len(sent)
    await office.sync("p1")
    assert (len(sent), office.left.records["p1"]["syncStatus"]) == (tried + 2, "failed")
    office.forget_calls()
    await office.sync("p1")
    assert office.writes == 0
    office.left.update = update  # type: ignore[method-assign]
    office.left.edit("p1", syncStatus="pending_sync")
    await office.sync("p1")
    assert (office.left.records["p1"]["titel"], office.left.records["p1"]["syncStatus"]) == ("Dr.", "clean")


async def test_the_user_can_settle_a_refused_field_from_espocrm() -> None:
    """His value goes to Advoware, as always where both have changed, and the record is clean."""
    office = Office()
    betnr = await office.linked()
    strict(office.left, lambda body: ("titel", "valid") if body.get("titel") == "Dr. x" else None)
    office.right.edit(betnr, titel="Dr. x")
    await office.sync("p1")
    office.left.edit("p1", titel="Dr.")
    await office.sync("p1")
    assert (office.party()["titel"], office.left.records["p1"]["syncStatus"]) == ("Dr.", "clean")


async def test_several_refused_fields_are_all_named() -> None:
    office = Office()
    betnr = await office.linked()
    rules = [no("titel", "maxLength"), no("zusatz", "pattern"), no("briefAnrede", "maxLength")]
    strict(office.left, lambda body: next((hit for rule in rules if (hit := rule(body))), None))
    office.right.edit(betnr, titel="Dr.", zusatz="z", bAnrede="Liebe", vorname="Eva")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert record["firstName"] == "Eva"
    assert all(label in record["syncErrorMessage"] for label in ("Titel", "Zusatz", "Briefanrede"))
    office.forget_calls()
    await office.sync("p1")
    assert office.calls == 2


async def test_a_removed_option_of_an_enum_leaves_the_rest() -> None:
    office = Office()
    betnr = await office.linked()
    strict(office.left, lambda body: ("salutationName", "valid") if body.get("salutationName") == "Divers" else None)
    office.right.edit(betnr, anrede="Divers", vorname="Kim")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert (record["firstName"], record["salutationName"], record["syncStatus"]) == ("Kim", None, "failed")
    assert "Anrede" in record["syncErrorMessage"]
    assert "„Divers“" in record["syncErrorMessage"]


async def test_a_record_that_takes_no_save_is_told_once_in_a_note() -> None:
    """A field was made required that a company has not: no save of it is taken, not even that of its state."""
    office = Office()
    betnr = await office.linked()
    strict(office.left, lambda _body: ("lastName", "required"))
    office.right.edit(betnr, titel="Dr.")
    office.left.edit("p1", zusatz="c/o")
    assert (await office.sync("p1")).result == "failed"
    assert office.party()["zusatz"] == "c/o"
    (note,) = office.notifier.notes
    assert all(part in note[2] for part in ("Name", "darf dort nicht leer sein", "EspoCRM"))
    office.forget_calls()
    await office.sync("p1")
    assert (office.calls, office.writes, len(office.notifier.notes)) == (2, 0, 1)


async def test_what_both_sides_changed_elsewhere_still_crosses() -> None:
    office = Office()
    betnr = await office.linked()
    strict(office.left, no("titel", "valid"))
    office.right.edit(betnr, titel="Dr.")
    office.left.edit("p1", zusatz="c/o")
    await office.sync("p1")
    office.left.edit("p1", firstName="Petra")
    await office.sync("p1")
    assert (office.party()["zusatz"], office.party()["vorname"], office.party()["titel"]) == ("c/o", "Petra", "Dr.")
    assert office.notifier.notes == []


@pytest.mark.parametrize("attribute", ["betnr", "advowareRowId"])
async def test_a_refused_state_does_not_stop_a_record(attribute: str) -> None:
    office = Office()
    strict(office.left, lambda body: (attribute, "valid") if attribute in body else None)
    office.left.seed("p1", lastName="Probe", firstName="Paula")
    outcome = await office.sync("p1")
    assert (len(office.right.records), outcome.result) == (1, "failed")
    office.forget_calls()
    await office.sync("p1")
    assert office.writes == 0


async def test_a_state_without_the_option_is_told_in_the_message() -> None:
    office = Office()
    strict(office.left, lambda body: ("syncStatus", "valid") if body.get("syncStatus") == "clean" else None)
    office.left.seed("p1", lastName="Probe")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert record["syncStatus"] == "failed"
    assert "syncStatus" in record["syncErrorMessage"]
    office.forget_calls()
    await office.sync("p1")
    assert office.writes == 0


def advoware_refuses(office: Office, attribute: str, status: int = 400) -> None:
    right, update, create = office.right, office.right.update, office.right.create

    def refuse(payload: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        if payload.get(attribute) not in (None, known.get(attribute)):
            raise RemoteRejected("advoware", status, "rejected", field=attribute if status == 400 else None)

    async def updating(record_id: str, payload: Mapping[str, Any]) -> Any:
        right.calls.append(("update", record_id))
        refuse(payload, right.records[record_id])
        return await update(record_id, payload)

    async def creating(payload: Mapping[str, Any]) -> Any:
        refuse(payload, {})
        return await create(payload)

    right.update, right.create = updating, creating  # type: ignore[method-assign]


async def test_a_field_that_advoware_refuses_is_named_and_others_are_written() -> None:
    office = Office()
    await office.linked()
    advoware_refuses(office, "bAnrede")
    office.left.edit("p1", briefAnrede="Werte Frau", titel="Dr.")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert (office.party()["titel"], office.party()["bAnrede"], record["syncStatus"]) == ("Dr.", None, "failed")
    assert all(part in record["syncErrorMessage"] for part in ("Briefanrede", "Advoware", "„Werte Frau“"))
    office.forget_calls()
    await office.sync("p1")
    assert (office.calls, office.writes) == (2, 0)
    office.left.edit("p1", briefAnrede=None)
    await office.sync("p1")
    assert record["syncStatus"] == "clean"


async def test_a_party_is_created_without_a_refused_field() -> None:
    office = Office()
    advoware_refuses(office, "titel")
    office.left.seed("p1", lastName="Probe", titel="Dr.")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert (len(office.right.records), office.party()["titel"], record["syncStatus"]) == (1, None, "failed")
    assert record["betnr"] is not None
    assert "Titel" in record["syncErrorMessage"]
    office.forget_calls()
    await office.sync("p1")
    assert (office.calls, office.writes, len(office.right.records)) == (2, 0, 1)


@pytest.mark.parametrize("titel", [None, "Dr."])
async def test_a_field_that_is_refused_empty_bars_the_record(titel: str | None) -> None:
    """Advoware names a field that was left out, or was never there: it is not left out again and again."""
    office = Office()
    posts = []

    async def refuses(payload: Mapping[str, Any]) -> Any:
        posts.append(payload)
        raise RemoteRejected("advoware", 400, "required", field="titel")

    office.right.create = refuses  # type: ignore[method-assign]
    office.left.seed("p1", lastName="Probe", titel=titel)
    assert (await office.sync("p1")).result == "failed"
    assert [post["titel"] for post in posts] == ([titel, None] if titel else [None])
    assert office.left.records["p1"]["syncStatus"] == "failed"
    await office.sync("p1")
    assert len(posts) <= 3


@pytest.mark.parametrize("status", [400, 403, 413, 422])
async def test_a_name_that_advoware_refuses_makes_no_party(status: int) -> None:
    office = Office()
    advoware_refuses(office, "name", status)
    office.left.seed("p1", lastName="Probe")
    assert (await office.sync("p1")).result == "failed"
    assert office.left.records["p1"]["syncStatus"] == "failed"
    office.forget_calls()
    await office.sync("p1")
    assert (office.writes, office.right.records) == (0, {})


async def test_a_row_of_an_address_is_written_without_the_refused_field() -> None:
    house = Household(ADRESSEN)
    await house.with_child(**HOME)
    update = house.rows.update

    async def updating(record_id: str, payload: Mapping[str, Any]) -> Any:
        if payload.get("plz") not in ("70173", None):
            raise RemoteRejected("advoware", 400, "rejected", field="plz")
        return await update(record_id, payload)

    house.rows.update = updating  # type: ignore[method-assign]
    house.children.edit("a1", adressePostalCode="D-70199", adresseStreet="Neue Str. 1", beschreibung="E")
    await house.sync("a1")
    record = house.children.records["a1"]
    assert (house.row()["strasse"], house.row()["plz"], record["syncStatus"]) == ("Neue Str. 1", "70173", "failed")
    assert all(part in record["syncErrorMessage"] for part in ("PLZ", "„D-70199“", "Advoware"))


def full(most: int) -> Rule:
    return lambda body: ("phoneNumber", "maxCount") if len(body.get("phoneNumberData") or ()) > most else None


async def test_numbers_beyond_the_limit_are_named_and_the_others_come_over() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    sent = strict(shop.left, full(10))
    for n in range(12):
        shop.typed_at_the_desk(1, f"0711 1000{n:02}")
    shop.right.edit(shop.betnr(), titel="Dr.")
    await shop.sync("p1")
    record = shop.left.records["p1"]
    assert (len(record["phoneNumberData"]), record["titel"], record["syncStatus"]) == (10, "Dr.", "failed")
    assert all(part in record["syncErrorMessage"] for part in ("Telefon", "Liste ist dort voll", "0711 100011"))
    assert len(sent) <= 6
    shop.forget_calls()
    await shop.sync("p1")
    assert (shop.calls, shop.writes) == (2, 0)


async def test_room_is_reckoned_by_the_list_and_not_by_its_primary() -> None:
    """A primary number of older days is sent along: how long that text is says nothing of the list."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    old = {"phoneNumber": "+49711100099", "type": "Office", "primary": True, "optOut": False, "invalid": False}
    shop.left.attributes = (*shop.left.attributes, "phoneNumber")
    shop.left.edit("p1", phoneNumberData=[old])
    await shop.sync("p1")
    shop.left.edit("p1", phoneNumber="0711 100099")
    sent = strict(shop.left, full(10))
    for n in range(12):
        shop.typed_at_the_desk(1, f"0711 1000{n:02}")
    await shop.sync("p1")
    assert len(shop.left.records["p1"]["phoneNumberData"]) == 10
    assert "phoneNumber" in sent[0]
    assert len(sent) <= 6


async def test_room_in_a_full_list_is_used_at_once() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    strict(shop.left, full(2))
    for n in range(3):
        shop.typed_at_the_desk(1, f"0711 1000{n:02}")
    await shop.sync("p1")
    shown = shop.left.records["p1"]["phoneNumberData"]
    assert len(shown) == 2
    shop.left.edit("p1", phoneNumberData=shown[1:])
    await shop.sync("p1")
    await shop.sync("p1")
    assert len(shop.left.records["p1"]["phoneNumberData"]) == 2
    assert "+49711100002" in [each["phoneNumber"] for each in shop.left.records["p1"]["phoneNumberData"]]
    assert shop.left.records["p1"]["syncStatus"] == "clean"


def type_is_missing(name: str) -> Rule:
    def rule(body: Mapping[str, Any]) -> tuple[str, str] | None:
        items = body.get("phoneNumberData") or ()
        return ("phoneNumber", "valid") if any(each.get("type") == name for each in items) else None

    return rule


async def test_a_number_of_a_missing_type_is_left_out_alone() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    strict(shop.left, type_is_missing("Fax"))
    for kz, number in ((1, "0711 1001"), (2, "0711 1002"), (3, "0171 1234567"), (6, "0711 1004"), (1, "0711 1005")):
        shop.typed_at_the_desk(kz, number)
    shop.left.edit("p1", titel="Dr.")
    await shop.sync("p1")
    record = shop.left.records["p1"]
    shown = {each["phoneNumber"] for each in record["phoneNumberData"]}
    assert shown == {"+497111001", "+491711234567", "+497111004", "+497111005"}
    assert (record["syncStatus"], shop.party()["titel"]) == ("failed", "Dr.")
    assert "„0711 1002“" in record["syncErrorMessage"]
    assert "0711 1004" not in record["syncErrorMessage"]
    shop.forget_calls()
    await shop.sync("p1")
    assert (shop.calls, shop.writes) == (2, 0)


async def test_an_address_changed_to_a_refused_one_keeps_the_old() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")

    def rule(body: Mapping[str, Any]) -> tuple[str, str] | None:
        items = body.get("emailAddressData") or ()
        return ("emailAddress", "emailAddress") if any("bad" in each["emailAddress"] for each in items) else None

    strict(shop.left, rule)
    shop.at_the_desk(0, "bad@probe.de")
    shop.at_the_desk(1, "good@probe.de")
    await shop.sync("p1")
    assert shop.shown_mails() == ["anna@probe.de", "good@probe.de"]
    assert shop.numbers() == ["bad@probe.de", "good@probe.de"]
    assert "„bad@probe.de“" in shop.left.records["p1"]["syncErrorMessage"]
    shop.at_the_desk(0, "fine@probe.de")
    await shop.sync("p1")
    assert shop.shown_mails() == ["fine@probe.de", "good@probe.de"]
    assert shop.left.records["p1"]["syncStatus"] == "clean"


async def test_an_entry_that_espocrm_holds_and_refuses_is_never_dropped() -> None:
    """A PUT replaces the whole list: without it, it would be gone."""
    shop = Shop()
    await shop.with_mails("anna@probe.de", "old@probe.de")

    def rule(body: Mapping[str, Any]) -> tuple[str, str] | None:
        items = body.get("emailAddressData") or ()
        return ("emailAddress", "valid") if any("old" in each["emailAddress"] for each in items) else None

    strict(shop.left, rule)
    shop.typed_at_the_desk(4, "neu@probe.de")
    shop.left.edit("p1", titel="Dr.")
    await shop.sync("p1")
    record = shop.left.records["p1"]
    assert shop.shown_mails() == ["anna@probe.de", "old@probe.de"]
    assert (shop.party()["titel"], record["syncStatus"]) == ("Dr.", "failed")
    assert "„neu@probe.de“" in record["syncErrorMessage"]
    assert "old@probe.de" in shop.numbers()


@pytest.mark.parametrize(("status", "field"), [(400, "tlf"), (403, None), (409, None), (413, None), (422, "tlf")])
async def test_a_row_that_advoware_refuses_leaves_the_others(status: int, field: str | None) -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    write = shop.rows.write

    async def checked(record_id: str, row: str | None, body: Mapping[str, Any]) -> Any:
        if "bad" in body["tlf"]:
            shop.rows.calls.append("update" if row else "create")
            raise RemoteRejected("advoware", status, "rejected", field=field)
        return await write(record_id, row, body)

    shop.rows.write = checked  # type: ignore[method-assign]
    shop.mails("bad@probe.de", "good@probe.de", "also-bad@probe.de", "new@probe.de")
    shop.left.edit("p1", titel="Dr.")
    await shop.sync("p1")
    record = shop.left.records["p1"]
    assert sorted(shop.numbers()) == ["anna@probe.de", "good@probe.de", "new@probe.de"]
    assert (record["syncStatus"], shop.party()["titel"]) == ("failed", "Dr.")
    assert all(part in record["syncErrorMessage"] for part in ("E-Mail", "„bad@probe.de“", "„also-bad@probe.de“"))
    shop.forget_calls()
    await shop.sync("p1")
    assert (shop.calls, shop.writes) == (2, 0)
    shop.rows.write = write  # type: ignore[method-assign]
    shop.clock.advance(DAY)
    await shop.sync("p1")
    assert record["syncStatus"] == "clean"
    assert sorted(shop.numbers()) == sorted(shop.shown_mails())


async def test_nobody_can_guess_what_was_refused() -> None:
    """A refusal is remembered by a digest that only our store's key makes: all birth dates are quickly tried."""
    office = Office()
    await office.linked(titel="Dr.")
    strict(office.left, no("titel", "maxLength"))
    office.right.edit(office.betnr(), titel="Prof.")
    await office.sync("p1")
    (cause,) = [each for each in office.links.rows["p1"].notes if each.startswith("rejected:")]
    guessed = {digest("Dr.", "Prof.", key=key) for key in (b"", bytes(32))}
    assert cause.split(":")[4] not in guessed
    assert cause.split(":")[4] == digest("Dr.", "Prof.", key=office.links.key)
