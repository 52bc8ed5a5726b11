"""Spellings through the engine: one row for one value, what is sent is what is compared, an upgrade is no change."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from household import Household
from kommunikation_office import Shop
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from synckit.ports import Attempted
from synckit.reconcile.plan import Base

HOME: dict[str, Any] = {
    "adresseStreet": "Weg 1",
    "adressePostalCode": "70173",
    "adresseCity": "Stuttgart",
    "adresseCountry": "Deutschland",
}
IBAN = "DE89370400440532013000"


def in_parts(word: str) -> str:
    return unicodedata.normalize("NFD", word)


def phones(shop: Shop, *values: str) -> None:
    """A user's list of numbers, the first one primary."""
    items = [
        {"phoneNumber": v, "type": "Mobile", "primary": i == 0, "optOut": False, "invalid": False}
        for i, v in enumerate(values)
    ]
    shop.left.edit("p1", phoneNumberData=items)


# -- accounts (A6)


@pytest.mark.parametrize(
    "typed",
    [
        "DE89-3704-0044-0532-0130-00",
        "de89.3704.0044.0532.0130.00",
        "DE89 3704\u20130044\u20130532\u20130130\u201300",
        "DE89\u200b37040044\u00a00532\u202f0130\u206900",
        "IBAN: DE89 3704 0044 0532 0130 00",
    ],
)
async def test_account_is_sent_in_its_one_form(typed: str) -> None:
    house = Household(BANKVERBINDUNGEN, is_unique=True)
    await house.with_child(iban=typed, bic="cobade ff xxx")
    assert (house.row()["iban"], house.row()["bic"]) == (IBAN, "COBADEFFXXX")
    assert house.children.records["a1"]["iban"] == typed
    assert ((await house.sync("a1")).result, house.writes) == ("unchanged", 0)


@pytest.mark.parametrize("row", ["de89-3704-0044-0532-0130-00", "DE89\u200b3704 0044 0532 0130 00"])
async def test_account_in_another_spelling_is_adopted(row: str) -> None:
    house = Household(BANKVERBINDUNGEN, is_unique=True)
    betnr = await house.with_party()
    right_id = house.rows.seed(betnr, iban=row, bic="COBADEFF")
    house.child(iban="DE89.3704.0044.0532.0130.00", bic="cobadeffxxx")
    await house.sync("a1")
    assert (house.right_id(), len(house.rows.records), house.notifier.notes) == (right_id, 1, [])
    assert house.children.records["a1"]["syncStatus"] == "clean"


# -- numbers and addresses (A7, A8, A11)


@pytest.mark.parametrize("left", ["0171 1234511", "+49 (0)171/1234511", "\u202a+491711234511\u202c"])
@pytest.mark.parametrize("right", ["0171 1234511", "+4901711234511", "0049 171 1234511", "+49\u202f171\u00a01234511"])
async def test_number_in_two_spellings_is_one_row(left: str, right: str) -> None:
    """Found when the two are linked: nothing is written but the state, and the texts stay as they were typed."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    phones(shop, left)
    shop.typed_at_the_desk(3, right)
    await shop.sync("p1")
    await shop.sync("p1")
    assert shop.numbers() == ["anna@probe.de", right]
    assert [item["phoneNumber"] for item in shop.left.records["p1"]["phoneNumberData"]] == [left.strip()]
    assert (shop.rows.calls, shop.notifier.notes) == ([], [])


@pytest.mark.parametrize("left", ["anna@bücher.example", "Anna@xn--bcher-kva.example"])
@pytest.mark.parametrize(
    "right", [in_parts("ANNA@bücher.example"), "mailto:anna@bücher.example.", "anna\u200b@xn--bcher-kva.example "]
)
async def test_address_in_two_spellings_is_one_row(left: str, right: str) -> None:
    shop = Shop()
    await shop.with_mails("bert@probe.de")
    shop.typed_at_the_desk(4, right)
    shop.adds_a_mail(left)
    await shop.sync("p1")
    await shop.sync("p1")
    assert shop.shown_mails() == ["bert@probe.de", left]
    assert (shop.numbers(), shop.rows.calls, shop.notifier.notes) == (["bert@probe.de", right], [], [])


async def test_number_behind_invisible_signs_comes_over() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.typed_at_the_desk(3, "\u202a+49\u202f171\u2060 1234511\u202c")
    await shop.sync("p1")
    (phone,) = shop.left.records["p1"]["phoneNumberData"]
    assert (phone["phoneNumber"], shop.notifier.notes) == ("+491711234511", [])


@pytest.mark.parametrize("number", ["+49 1711 2345 1112 3456", "+491711234511 ext. 7", "0171 12345 oder 0172 54321"])
async def test_impossible_number_is_kept_as_text(number: str) -> None:
    """Typed at a desk: reported once, never looped. In both systems as the same text: one row."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    shop.typed_at_the_desk(3, number)
    await shop.sync("p1")
    await shop.sync("p1")
    assert (shop.numbers(), len(shop.notifier.notes)) == (["anna@probe.de", number], 1)
    phones(shop, f"{number}\u200b")
    await shop.sync("p1")
    await shop.sync("p1")
    assert (shop.numbers(), len(shop.notifier.notes)) == (["anna@probe.de", number], 1)


async def test_list_is_written_in_canonical_form() -> None:
    """EspoCRM refuses a whole list for one number in an older spelling: what is written anyway is written so."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    phones(shop, "0171 1234511")
    await shop.sync("p1")
    shop.typed_at_the_desk(1, "0711 12345")
    await shop.sync("p1")
    told = [item["phoneNumber"] for item in shop.left.records["p1"]["phoneNumberData"]]
    assert (told, shop.numbers()) == (
        ["+491711234511", "+4971112345"],
        ["anna@probe.de", "+491711234511", "0711 12345"],
    )


async def test_flags_of_a_replaced_address_are_its_own() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    items = shop.left.records["p1"]["emailAddressData"]
    shop.left.edit("p1", emailAddressData=[{**items[0], "optOut": True, "invalid": True}, items[1]])
    await shop.sync("p1")
    shop.at_the_desk(0, "ANNA@probe.de")
    await shop.sync("p1")
    assert shop.left.records["p1"]["emailAddressData"][0]["optOut"] is True
    shop.at_the_desk(0, "anna@neu.de")
    await shop.sync("p1")
    new = shop.left.records["p1"]["emailAddressData"][0]
    assert (new["emailAddress"], new["optOut"], new["invalid"], new["primary"]) == ("anna@neu.de", False, False, True)


# -- labels (A9)


@pytest.mark.parametrize(
    "label",
    [
        "Weg 1\r\n70173 Stuttgart",
        "Weg 1  \r\n70173 Stuttgart \r\n",
        in_parts("Weg 1\n70173 Stuttgart\nDeutschland"),
        "Weg 1\n70173\u00a0Stuttgart\nDEUTSCHLAND",
    ],
)
@pytest.mark.parametrize("is_in_espocrm", [False, True])
async def test_equivalent_label_follows_the_street(label: str, is_in_espocrm: bool) -> None:
    """Also one that an earlier release copied into EspoCRM's own field."""
    house = Household(ADRESSEN)
    right_id = await house.with_child(**HOME, beschreibung=label if is_in_espocrm else None)
    house.rows.edit(right_id, anschrift=label)
    await house.sync("a1")
    house.children.edit("a1", adresseStreet="Allee 2")
    await house.sync("a1")
    await house.sync("a1")
    assert (house.row()["strasse"], house.row()["anschrift"]) == ("Allee 2", "Allee 2\n70173 Stuttgart")
    assert (house.children.records["a1"]["beschreibung"], house.notifier.notes) == (None, [])


@pytest.mark.parametrize("is_in_espocrm", [False, True])
async def test_equivalent_label_follows_a_desks_street(is_in_espocrm: bool) -> None:
    house = Household(ADRESSEN)
    label = "Weg 1\r\n70173 Stuttgart\r\nDeutschland"
    right_id = await house.with_child(**HOME, beschreibung=label if is_in_espocrm else None)
    house.rows.edit(right_id, strasse="Allee 2")
    await house.sync("a1")
    await house.sync("a1")
    record = house.children.records["a1"]
    assert (record["adresseStreet"], record["beschreibung"]) == ("Allee 2", None)
    assert (house.row()["anschrift"], house.notifier.notes) == ("Allee 2\n70173 Stuttgart", [])


async def test_own_label_is_kept_and_told() -> None:
    house = Household(ADRESSEN)
    right_id = await house.with_child(**HOME)
    house.rows.edit(right_id, anschrift="Frau Paula Probe\nWeg 1\n70173 Stuttgart")
    await house.sync("a1")
    house.children.edit("a1", adresseStreet="Allee 2")
    await house.sync("a1")
    house.forget_calls()
    await house.sync("a1")
    assert (house.row()["strasse"], house.writes) == ("Allee 2", 0)
    assert house.row()["anschrift"] == "Frau Paula Probe\nWeg 1\n70173 Stuttgart"
    (note,) = house.notifier.notes
    assert all(part in note[2] for part in ("Anschrift", "Frau Paula Probe", "Allee 2"))


async def test_label_from_a_desk_does_not_become_text() -> None:
    house = Household(ADRESSEN)
    betnr = await house.with_party()
    label = "Weg 1 \r\n70173 Stuttgart\r\nDeutschland"
    house.rows.seed(betnr, strasse="Weg 1", plz="70173", ort="Stuttgart", land="DE", anschrift=label)
    await house.party_synced()
    (record_id,) = await house.deliver()
    assert house.children.records[record_id]["beschreibung"] is None
    house.children.edit(record_id, adresseStreet="Allee 2")
    await house.sync(record_id)
    assert (house.row(record_id)["anschrift"], house.notifier.notes) == ("Allee 2\n70173 Stuttgart", [])


# -- countries, names, options, links (A10, A11)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Turkey", "TR"),
        ("Czech Republic", "CZ"),
        ("Hong Kong", "HK"),
        ("Großbritannien", "GB"),
        ("Weißrussland", "BY"),
        (in_parts("Türkei"), "TR"),
        (in_parts("Österreich"), "AT"),
        ("Oesterreich", "AT"),
        ("Korea, Republic of", "KR"),
        ("UK", "GB"),
        ("aut", "AT"),
    ],
)
async def test_country_goes_over_and_the_word_stays(name: str, code: str) -> None:
    house = Household(ADRESSEN)
    await house.with_child(**{**HOME, "adresseCountry": name})
    assert (house.row()["land"], house.children.records["a1"]["syncStatus"]) == (code, "clean")
    assert ((await house.sync("a1")).result, house.writes) == ("unchanged", 0)
    assert house.children.records["a1"]["adresseCountry"] == name


async def test_names_in_two_forms_are_one() -> None:
    office = Office()
    betnr = office.right.seed(name=in_parts("Müller"), vorname="Jo\u00adsé", rechtsform=in_parts("natürliche Person"))
    office.left.seed("p1", lastName="Müller\u200b", firstName=in_parts("José"), betnr=f" {betnr}\u00a0")
    await office.sync("p1")
    assert (office.party()["name"], office.left.records["p1"]["lastName"]) == (in_parts("Müller"), "Müller\u200b")
    assert (office.notifier.notes, office.left.records["p1"]["syncStatus"]) == ([], "clean")


@pytest.mark.parametrize(
    ("shown", "form"),
    [(in_parts("Behörde"), "Behörde"), ("e. V.", "e.V."), ("GmbH\u00a0& Co.\u200bKG", "GmbH & Co. KG")],
)
async def test_options_in_another_spelling_are_known(shown: str, form: str) -> None:
    office = Office()
    betnr = office.right.seed(name="Amt", rechtsform=shown)
    office.left.seed("p1", betnr=int(betnr))
    await office.sync("p1")
    assert (office.left.records["p1"]["rechtsform"], office.party()["rechtsform"]) == (form, shown)


async def test_lost_answer_finds_a_name_in_parts() -> None:
    office = Office()
    office.left.seed("p1", lastName="Müller", firstName="Paula")
    office.faults.hook = lambda point: _lost(office, point)
    with pytest.raises(ConnectionError):
        await office.sync("p1")
    (party,) = office.right.records
    office.right.edit(party, name=in_parts("Müller"))
    assert ((await office.sync("p1")).result, len(office.right.records)) == ("recovered", 1)


def _lost(office: Office, point: str) -> None:
    if point == "right.create.after":
        office.faults.clear()
        raise ConnectionError


# -- upgrades: memory in old spellings


async def test_party_remembered_in_old_spellings_is_no_change() -> None:
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    phones(shop, "0171 1234511", "+4901721234512")
    await shop.sync("p1")
    old = {
        "lastName": in_parts("Müller"),
        "firstName": "Paula\u200b Maria",
        "emailAddressData": [{"emailAddress": "Anna@bücher.example", "primary": True}],
    }
    shop.left.edit("p1", **old)
    await shop.sync("p1")
    row = shop.links.rows["p1"]
    texts = {"+491711234511": "0171 1234511", "+491721234512": "+4901721234512"}
    texts |= {"anna@xn--bcher-kva.example": "anna@bücher.example"}
    for stored in shop.party()["kommunikation"]:
        stored["tlf"] = texts.get(stored["tlf"].lower(), stored["tlf"])
    left = {name: _old(value, texts) for name, value in row.base.left.items()}
    right = {name: _old(value, texts) for name, value in row.base.right.items()}
    row.base = Base({**left, "name": in_parts("Müller"), "vorname": "Paula\u200b Maria"}, right)
    shop.right.edit(shop.betnr(), name=in_parts("Müller"))
    row.base = replace(row.base, right={**right, "name": in_parts("Müller")})
    shop.forget_calls()
    told = len(shop.notifier.notes)
    await shop.sync("p1")
    assert (shop.writes, len(shop.notifier.notes), shop.left.records["p1"]["syncStatus"]) == (0, told, "clean")


async def test_children_remembered_in_old_spellings_are_no_change() -> None:
    for mapping, values in (
        (ADRESSEN, {**HOME, "adresseStreet": in_parts("Große Straße 1\u200b"), "adresseCountry": "BRD"}),
        (BANKVERBINDUNGEN, {"iban": "de89-3704-0044-0532-0130-00", "bic": "cobade ffxxx", "bank": in_parts("Köln")}),
    ):
        house = Household(mapping)
        right_id = await house.with_child(**values)
        row = house.child_links.rows["a1"]
        shown = {"iban": "DE89-3704-0044-0532-0130-00", "bic": "cobade ffxxx", "bank": in_parts("Köln")}
        shown |= {
            "strasse": in_parts("Große Straße 1\u200b"),
            "anschrift": in_parts("Große Straße 1\r\n70173 Stuttgart"),
        }
        names = set(row.base.right) & set(shown)
        house.rows.records[right_id].update({name: shown[name] for name in names})
        old = {name: shown[name] for name in names}
        row.base = Base({**row.base.left, **old}, {**row.base.right, **old})
        house.forget_calls()
        await house.sync("a1")
        assert (house.writes, house.notifier.notes, house.children.records["a1"]["syncStatus"]) == (0, [], "clean")


async def test_announced_post_in_an_old_spelling_is_waited_for() -> None:
    """Its name is made of what it was for: in today's form as well, or a second row of the number would be made."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    phones(shop, "0171 1234511")
    shop.rows.is_slow = True
    with pytest.raises(Exception, match="no answer"):
        await shop.sync("p1")
    row = shop.links.rows["p1"]
    row.attempted = tuple(_as_an_older_release(each) for each in row.attempted)
    shop.rows.is_slow = False
    with pytest.raises(Exception, match="may still arrive"):
        await shop.sync("p1")
    shop.rows.arrive()
    shop.clock.advance(60)
    await shop.sync("p1")
    assert shop.numbers() == ["anna@probe.de", "+491711234511"]


def _as_an_older_release(each: Attempted) -> Attempted:
    if "+491711234511" not in str(each.left):
        return each
    left, right = (str(part).replace("+491711234511", "0171 1234511") for part in (each.left, each.right))
    return replace(each, field="kommunikation/+0123456789ab", left=left, right=right)


async def test_marker_in_an_old_spelling_is_ours() -> None:
    """Our table lost, and the marker in front of the text written for a national number, below a byte order mark."""
    shop = Shop()
    await shop.with_mails("anna@probe.de")
    phones(shop, "0171 1234511")
    await shop.sync("p1")
    desk = shop.party()["kommunikation"][1]
    desk.update(bemerkung="\ufeff [ESPOCRM:MDE3MSAxMjM0NTEx:3]\r\nnur abends", tlf="0171 1234511")
    base = shop.links.rows["p1"].base
    gone = f"kommunikation/{desk['id']}"
    left, right = ({n: v for n, v in part.items() if n != gone} for part in (base.left, base.right))
    shop.links.rows["p1"].base = Base(left, right)
    shop.forget_calls()
    await shop.sync("p1")
    assert (shop.rows.calls, len(shop.numbers()), shop.notifier.notes) == ([], 2, [])


def _old(value: Any, texts: dict[str, str]) -> Any:
    """As a release before wrote it: the lower case of what was typed, and no more."""
    for today, then in texts.items():
        value = value.replace(today, then.lower()) if isinstance(value, str) else value
    return value
