"""Beteiligte: EspoCRM's `CBeteiligte` ↔ Advoware's `Beteiligte`. One line per field serves both directions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from recordsync.mapping.codecs import DAY, choice
from recordsync.mapping.field import Attribute, ByKind, EntityMapping, Field
from synckit.reconcile.plan import Canonical, Direction
from synckit.text import option_key

PERSON, COMPANY = "person", "company"
NO_COMPANY: Mapping[str, None] = dict.fromkeys(("natürliche Person", "Herr", "Frau"))
"""Right values of `rechtsform` that mean a person, as EspoCRM has them: left has only the empty one."""
_PERSONS = frozenset(option_key(word) for word in NO_COMPANY)

RECHTSFORMEN = frozenset(
    {"GmbH", "GmbH & Co. KG", "AG", "KG", "OHG", "GbR", "UG", "e.K.", "e.V.", "Stiftung", "Behörde", "Sonstige"}
)
ANREDEN = frozenset({"Herr", "Frau", "Divers"})
FORBIDDEN_IN_NAMES = "<>="
FIRST_DAY = date(1753, 1, 1)


def kind_of(record: Canonical) -> str:
    """Whether a canonical record of either side is a person or a company."""
    form = record.get("rechtsform")
    if form is None or form in NO_COMPANY:
        return PERSON
    return COMPANY if form in RECHTSFORMEN or option_key(str(form)) not in _PERSONS else PERSON


def _from_advoware(name: str, left: str, right: str, label: str) -> Field:
    return Field(name, Attribute(left, 255), Attribute(right), label, direction=Direction.TO_LEFT)


FIELDS = (
    Field(
        "rechtsform",
        Attribute("rechtsform"),
        Attribute("rechtsform"),
        "Rechtsform",
        choice(RECHTSFORMEN, aliases=NO_COMPANY, other="Sonstige"),
    ),
    Field(
        "name",
        ByKind(
            {
                PERSON: Attribute("lastName", 100, FORBIDDEN_IN_NAMES),
                COMPANY: Attribute("firmenname", 140),
            }
        ),
        Attribute("name", 140, required=True),
        "Name",
        essential=True,
    ),
    Field(
        "vorname",
        ByKind({PERSON: Attribute("firstName", 100, FORBIDDEN_IN_NAMES)}),
        ByKind({PERSON: Attribute("vorname", 64)}),
        "Vorname",
    ),
    Field("anrede", Attribute("salutationName"), Attribute("anrede"), "Anrede", choice(ANREDEN)),
    Field("titel", Attribute("titel", 60), Attribute("titel"), "Titel"),
    Field("briefanrede", Attribute("briefAnrede", 255), Attribute("bAnrede"), "Briefanrede"),
    Field("zusatz", Attribute("zusatz", 140), Attribute("zusatz"), "Zusatz"),
    Field(
        "geburtsdatum",
        Attribute("dateOfBirth"),
        Attribute("geburtsdatum", earliest=FIRST_DAY),
        "Geburtsdatum",
        DAY,
    ),
    _from_advoware("geburtsname", "geburtsname", "geburtsname", "Geburtsname"),
    _from_advoware("familienstand", "familienstand", "familienstand", "Familienstand"),
    _from_advoware("handelsregisternummer", "handelsregisterNummer", "handelsRegisterNummer", "Handelsregisternummer"),
    _from_advoware("registergericht", "registergericht", "registergericht", "Registergericht"),
)

BETEILIGTE = EntityMapping(
    entity="beteiligte",
    left_type="CBeteiligte",
    right_type="Beteiligte",
    fields=FIELDS,
    kind_of=kind_of,
    kind_fields=frozenset({"rechtsform"}),
    right_writable=("name", "vorname", "rechtsform", "titel", "anrede", "bAnrede", "zusatz", "geburtsdatum"),
    link_attribute="betnr",
    link_is_number=True,
    lists=KommunikationLists(),
)
