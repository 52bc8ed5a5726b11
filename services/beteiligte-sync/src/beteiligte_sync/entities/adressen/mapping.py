"""Adressen: EspoCRM's `CAdressen` ↔ the rows of `/Beteiligte/{betNr}/Adressen`.

A POST takes all fields, a PUT the first four: the others are only read once the row exists. A row carries the id of
its EspoCRM record in `bemerkung`, which no PUT can change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from beteiligte_sync.entities.adressen.countries import COUNTRY
from beteiligte_sync.entities.adressen.label import LABEL, composed
from recordsync.mapping.child import ChildOf
from recordsync.mapping.codecs import DAY, FLAG
from recordsync.mapping.field import Attribute, EntityMapping, Field
from recordsync.mapping.state import CHILD_STATE
from synckit.reconcile.plan import Canonical, NoticeKind
from synckit.text import clean

FIRST_DAY = date(1753, 1, 1)
MARK = "EspoCRM-ID: "
_MARKED = re.compile(r"EspoCRM-ID:\s*([A-Za-z0-9-]{1,36})(?:\s|$)")


def kind_of(_record: Canonical) -> str:
    return "adresse"


def describe(record: Canonical) -> str:
    """For notes, and as the name of a record that came from a desk."""
    place = " ".join(str(record[name]) for name in ("plz", "ort") if record.get(name))
    box = f"Postfach {record['postfach']}" if record.get("postfach") else ""
    told = ", ".join(str(part) for part in (record.get("strasse") or box, place) if part)
    return told or "Adresse"


def owner_of(row: Mapping[str, Any]) -> str:
    """The EspoCRM record that a row, or the body of a POST, was made for."""
    found = _MARKED.match(clean(str(row.get("bemerkung") or "")))
    return found[1] if found else ""


def stamp(left_id: str) -> Mapping[str, Any]:
    return {"bemerkung": f"{MARK}{left_id}"}


ADDRESS = "Beteiligter Nr. {party}, Adresse Nr. {row} ({what})"
TEXTS = {
    NoticeKind.READ_ONLY: (
        "Abgleich mit Advoware: {label} der Adresse kann von EspoCRM aus nicht geändert werden. EspoCRM: {left}, "
        "Advoware: {right}. Bitte am Arbeitsplatz: Beteiligten Nr. {party} öffnen, Register „Adressen“, Adresse Nr. "
        "{row} ({what}) bearbeiten, {label} auf {left} setzen, speichern. EspoCRM übernimmt es beim nächsten Abgleich."
    ),
    NoticeKind.DELETED_LEFT: (
        f"Abgleich mit Advoware: Eine Adresse wurde in EspoCRM gelöscht. In Advoware bleibt sie bestehen: {ADDRESS}. "
        "Advoware lässt das Löschen von hier aus nicht zu. Bitte am Arbeitsplatz: Beteiligten Nr. {party} öffnen, "
        "Register „Adressen“, Adresse Nr. {row} löschen oder „Gültig bis“ auf heute setzen, speichern."
    ),
    NoticeKind.DELETED_RIGHT: (
        f"Abgleich mit Advoware: Eine Adresse wurde in Advoware gelöscht: {ADDRESS}. In EspoCRM bleibt sie erhalten "
        "und wird nicht neu angelegt. Soll sie wieder nach Advoware, leeren Sie dort das Feld advowareId und setzen "
        "den Status auf pending_sync; sonst löschen Sie sie auch hier."
    ),
}

FIELDS = (
    Field("strasse", Attribute("adresseStreet", 255), Attribute("strasse"), "Straße"),
    Field("plz", Attribute("adressePostalCode", 40), Attribute("plz"), "PLZ"),
    Field("ort", Attribute("adresseCity", 100), Attribute("ort"), "Ort"),
    Field("anschrift", Attribute("beschreibung"), Attribute("anschrift"), "Anschrift", LABEL, fallback=composed),
    Field("land", Attribute("adresseCountry", 100), Attribute("land"), "Land", COUNTRY),
    Field("postfach", Attribute("postfach", 40), Attribute("postfach"), "Postfach"),
    Field("postfachplz", Attribute("postfachPLZ", 20), Attribute("postfachPLZ"), "PLZ des Postfachs"),
    Field("standard", Attribute("isStandard"), Attribute("standardAnschrift"), "Standardanschrift", FLAG),
    Field("gueltigvon", Attribute("gueltigVon"), Attribute("gueltigVon", earliest=FIRST_DAY), "Gültig von", DAY),
    Field("gueltigbis", Attribute("gueltigBis"), Attribute("gueltigBis", earliest=FIRST_DAY), "Gültig bis", DAY),
)

ADRESSEN = EntityMapping(
    entity="adressen",
    left_type="CAdressen",
    right_type="Adressen",
    fields=FIELDS,
    kind_of=kind_of,
    kind_fields=frozenset(),
    right_writable=(
        "strasse",
        "plz",
        "ort",
        "anschrift",
        "land",
        "postfach",
        "postfachPLZ",
        "standardAnschrift",
        "gueltigVon",
        "gueltigBis",
        "bemerkung",
    ),
    right_updatable=("strasse", "plz", "ort", "anschrift"),
    link_attribute="advowareId",
    link_is_number=True,
    child_of=ChildOf(
        entity="beteiligte",
        attribute="beteiligteId",
        number="betNr",
        inline=("adressen",),
        identity=owner_of,
        stamp=stamp,
        owner=owner_of,
        imported=True,
    ),
    state=CHILD_STATE,
    texts=TEXTS,
    describe=describe,
)
