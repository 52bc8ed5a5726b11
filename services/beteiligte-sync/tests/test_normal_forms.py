"""One normal form per kind of value, over every registered entity: laws, and memory that an older release wrote."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import replace

import pytest
from babel import Locale
from hypothesis import assume, given
from hypothesis import strategies as st
from respellings import FORMAT, account, bank, mail, number, option, respelled, text
from test_laws import ENTITIES, Pair, pairs

from beteiligte_sync.entities.adressen.countries import COUNTRY, GERMAN, country_of
from beteiligte_sync.entities.adressen.label import same_label
from beteiligte_sync.entities.bankverbindungen.account import bank_code, compact, same_bank
from beteiligte_sync.entities.beteiligte.mapping import RECHTSFORMEN
from beteiligte_sync.entities.kommunikation.entry import identity, value_of
from beteiligte_sync.entities.kommunikation.kinds import Kind
from recordsync.mapping.codecs import TEXT, choice
from recordsync.mapping.derived import planned
from recordsync.mapping.field import EntityMapping
from recordsync.memory.normal_forms import as_read_today
from recordsync.testing.strategies import WORDS, payload
from synckit.errors import MappingError
from synckit.ports import RecordState
from synckit.reconcile.plan import Base, Canonical, Plan, Side
from synckit.reconcile.three_way import Seen
from synckit.text import clean, option_key, squeezed

ANYTHING = st.text() | st.text(st.characters(categories=["L", "M", "Zs", "Cf", "Pd", "Nd", "Po"]))


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126)).filter(str.strip))
def test_plain_text_is_cleaned_as_any_other(text: str) -> None:
    """What is all ASCII takes a shorter way to the same form."""
    assert clean(f"{text}\nü") == f"{clean(text)}\nü"


def plan(mapping: EntityMapping, base: Base, seen: tuple[Seen, Seen]) -> Plan:
    return planned(mapping.derived, mapping.policies, base, seen)


def read(mapping: EntityMapping, side: Side, shown: dict[str, object]) -> Canonical:
    """As the engine reads it; what can't be read is no example."""
    try:
        return mapping.read(side, shown)
    except MappingError:
        assume(False)
        raise


@pytest.mark.parametrize("normal", [clean, squeezed, option_key])
@given(word=ANYTHING)
def test_normalising_text_twice_changes_nothing(normal: object, word: str) -> None:
    assert callable(normal)
    assert normal(normal(word)) == normal(word)


@pytest.mark.parametrize("mapping", ENTITIES)
@given(word=ANYTHING, side=st.sampled_from(Side))
def test_reading_is_idempotent(mapping: EntityMapping, word: str, side: Side) -> None:
    """Whatever a payload holds: what was read, printed and read again is what was read."""
    for field in mapping.fields:
        with suppress(MappingError):
            value = (field.codec.read_left if side is Side.LEFT else field.codec.read_right)(word)
            assert field.normal(side, value) == value


@pytest.mark.parametrize("kind", Kind)
@given(word=ANYTHING | st.from_regex(r"[+0][0-9 ()/-]{5,14}|[a-z.]{1,6}@[a-zü.]{2,9}", fullmatch=True))
def test_identity_of_an_identity_is_itself(kind: Kind, word: str) -> None:
    key = identity(kind, word)
    assert identity(kind, key) == key
    value = value_of(kind, word)
    assert value is None or (value_of(kind, value), identity(kind, value)) == (value, key)


@pytest.mark.parametrize("mapping", ENTITIES)
@pytest.mark.parametrize("side", Side)
@given(data=st.data())
def test_respelled_records_are_read_as_one(mapping: EntityMapping, side: Side, data: st.DataObject) -> None:
    pair = data.draw(pairs(mapping))
    record = dict(pair.left if side is Side.LEFT else pair.right)
    shown = payload(mapping, side, record)
    assert read(mapping, side, data.draw(respelled(mapping, side, shown))) == read(mapping, side, shown)


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_plan_over_respelled_sides_is_empty(mapping: EntityMapping, data: st.DataObject) -> None:
    agreed = _agreed(mapping, data)
    left, right = (data.draw(respelled(mapping, side, _shown(mapping, agreed, side))) for side in Side)
    seen = Seen(read(mapping, Side.LEFT, left)), Seen(read(mapping, Side.RIGHT, right))
    assert plan(mapping, agreed.base, seen).is_empty


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_memory_in_old_spellings_is_no_change(mapping: EntityMapping, data: st.DataObject) -> None:
    """An older release remembered what it was shown, trimmed; today's code reads the same records."""
    agreed = _agreed(mapping, data)
    shown = {side: data.draw(respelled(mapping, side, _shown(mapping, agreed, side))) for side in Side}
    old = Base(*(_as_shown(mapping, side, agreed, shown[side]) for side in Side))
    state = as_read_today(mapping, RecordState(1, base=old))
    assert as_read_today(mapping, state) == state
    seen = Seen(read(mapping, Side.LEFT, shown[Side.LEFT])), Seen(read(mapping, Side.RIGHT, shown[Side.RIGHT]))
    assert plan(mapping, state.base, seen).is_empty


@pytest.mark.parametrize("each", FORMAT, ids=ascii)
def test_every_format_character_is_dropped(each: str) -> None:
    assert TEXT.read_left(f"{each}Mu{each}\u0308ller{each}") == "Müller"
    assert value_of(Kind.PHONE, f"{each}0171 {each}1234511") == "+491711234511"
    assert value_of(Kind.MAIL, f"{each}anna@pro{each}be.de") == "anna@probe.de"
    assert compact(f"{each}DE89{each}370400440532013000") == "DE89370400440532013000"


@given(data=st.data())
def test_respelled_numbers_are_one(data: st.DataObject) -> None:
    e164 = data.draw(st.sampled_from(["+491711234511", "+4971112345", "+498912345678"]))
    assert identity(Kind.PHONE, number(data.draw, e164)) == e164


@given(data=st.data())
def test_respelled_addresses_are_one(data: st.DataObject) -> None:
    address = data.draw(st.sampled_from(["anna@probe.de", "a.b+c@xn--bcher-kva.example", "x@xn--mller-kva.de"]))
    assert identity(Kind.MAIL, mail(data.draw, address)) == address


@given(data=st.data())
def test_respelled_accounts_are_one(data: st.DataObject) -> None:
    iban = data.draw(st.sampled_from(["DE89370400440532013000", "GB82WEST12345698765432"]))
    assert compact(account(data.draw, iban)) == iban
    assert bank_code(bank(data.draw, "COBADEFFXXX")) == "COBADEFFXXX"
    assert same_bank("COBADEFF", bank_code(bank(data.draw, "COBADEFFXXX")))
    assert not same_bank("COBADEFF", "COBADEFF123")


@given(data=st.data())
def test_respelled_options_are_one(data: st.DataObject) -> None:
    forms = choice(RECHTSFORMEN, other="Sonstige")
    form = data.draw(st.sampled_from(sorted(RECHTSFORMEN)))
    assert forms.to_left(forms.read_right(option(data.draw, form))) == form
    assert forms.read_left(option(data.draw, form)) == form


@given(data=st.data())
def test_respelled_countries_are_one(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(sorted(GERMAN)))
    name = data.draw(st.sampled_from([GERMAN[code], GERMAN[code].upper(), code, code.lower()]))
    spelled = text(data.draw, name)
    assert country_of(spelled) == code
    assert COUNTRY.alike(COUNTRY.read_left(spelled), COUNTRY.to_left(COUNTRY.read_right(spelled)))


ESPOCRMS_OWN = """
BA Bosnia and Herzegovina;BL Saint Barthélemy;BN Brunei Darussalam;BQ Bonaire;BS Bahamas;CC Cocos (Keeling) Islands;
CD Congo, Democratic Republic;CG Congo;CI Côte d'Ivoire;CV Cape Verde;CZ Czech Republic;FK Falkland Islands;
FM Micronesia;FO Faroe Islands;GM Gambia;GS South Georgia and the South Sandwich Islands;HK Hong Kong;
HM Heard Island and McDonald Islands;IO British Indian Ocean Territory;KN Saint Kitts and Nevis;
KP Korea, Democratic People's Republic of;KR Korea, Republic of;LA Laos;LC Saint Lucia;MF Saint Martin;
MK North Macedonia;MM Myanmar;MO Macao;PM Saint Pierre and Miquelon;PN Pitcairn;PS Palestine;RE Réunion;
RU Russian Federation;
SH Saint Helena;ST Sao Tome and Principe;SX Sint Maarten;SY Syrian Arab Republic;SZ Swaziland;
TC Turks and Caicos Islands;TF French Southern Territories;TL Timor-Leste;TR Turkey;TT Trinidad and Tobago;
UM United States Minor Outlying Islands;VA Holy See;VC Saint Vincent and the Grenadines;VG British Virgin Islands;
VI United States Virgin Islands;VN Viet Nam;WF Wallis and Futuna;AG Antigua and Barbuda;CW Curaçao;VE Venezuela
"""
"""Of its list of countries those that the CLDR has in another spelling."""


@pytest.mark.parametrize("entry", ESPOCRMS_OWN.replace("\n", "").split(";"))
def test_countries_of_espocrms_own_list_are_known(entry: str) -> None:
    code, _, name = entry.partition(" ")
    assert country_of(name) == country_of(unicodedata.normalize("NFD", name)) == code


@pytest.mark.parametrize("language", ["de", "en"])
def test_countries_of_the_cldr_are_known(language: str) -> None:
    names = Locale.parse(language).territories
    assert {code: country_of(names[code]) for code in GERMAN} == {code: code for code in GERMAN}


@given(data=st.data())
def test_respelled_labels_are_one(data: st.DataObject) -> None:
    lines = [data.draw(st.sampled_from(WORDS)), f"70173 {data.draw(st.sampled_from(WORDS))}"]
    composed = TEXT.read_left("\n".join(lines))
    country = data.draw(st.sampled_from(["", "\nDeutschland", "\nDEUTSCHLAND", "\nGermany"]))
    written = TEXT.read_right(text(data.draw, "\n".join(lines) + country))
    assert same_label(written, composed)
    assert not same_label(f"{composed}\nSchweiz", written)


def _agreed(mapping: EntityMapping, data: st.DataObject) -> Pair:
    """Two sides that a look has brought in step."""
    first = data.draw(pairs(mapping, based=data.draw(st.booleans())))
    found = plan(mapping, first.base, (Seen(first.left), Seen(first.right)))
    assume(not found.held and not found.refusals)
    after = first.after(found)
    left = read(mapping, Side.LEFT, payload(mapping, Side.LEFT, dict(after.left)))
    right = read(mapping, Side.RIGHT, payload(mapping, Side.RIGHT, dict(after.right)))
    settled = replace(after, base=Base(left, right), left=left, right=right)
    assume(plan(mapping, settled.base, (Seen(left), Seen(right))).is_empty)
    return settled


def _shown(mapping: EntityMapping, agreed: Pair, side: Side) -> dict[str, object]:
    return payload(mapping, side, dict(agreed.left if side is Side.LEFT else agreed.right))


def _as_shown(mapping: EntityMapping, side: Side, agreed: Pair, shown: dict[str, object]) -> Canonical:
    """What the release before would have remembered of it."""
    values = dict(agreed.left if side is Side.LEFT else agreed.right)
    for field in mapping.fields:
        place = field.attribute(side, mapping.kind_of(values))
        raw = shown.get(place.name) if place else None
        if isinstance(raw, str) and isinstance(values[field.name], str):
            values[field.name] = raw.strip()
    return values
