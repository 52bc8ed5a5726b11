"""Bankverbindungen: EspoCRM's `CBankverbindungen` ↔ the rows of `/Beteiligte/{betNr}/Bankverbindungen`.

The API creates a row, and never changes or deletes one: what changes in EspoCRM is told to a person, with the steps.
A row can't carry a mark of ours: one that a desk made is known by its party, its number, and its IBAN.
An account is told apart by its IBAN; notes show no more of one than its last four characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from beteiligte_sync.entities.bankverbindungen.account import BIC, IBAN, compact, refusal
from recordsync.mapping.child import ChildOf
from recordsync.mapping.codecs import DAY
from recordsync.mapping.field import Attribute, EntityMapping, Field
from recordsync.mapping.state import CHILD_STATE
from synckit.reconcile.plan import Canonical, NoticeKind, Value

FIRST_DAY = date(1753, 1, 1)
SHOWN = 4


def kind_of(_record: Canonical) -> str:
    return "bankverbindung"


def masked(value: Value) -> Value:
    """The last four characters."""
    return f"…{str(value)[-SHOWN:]}"


def identity(row: Mapping[str, Any]) -> str:
    return str(compact(row.get("iban")) or "")


def describe(record: Canonical) -> str:
    """For notes: whose account, and how its number ends."""
    number = f"IBAN {masked(record['iban'])}" if record.get("iban") else ""
    return ", ".join(str(part) for part in (record.get("kontoinhaber"), number) if part) or "Bankverbindung"


ACCOUNT = "Beteiligter Nr. {party}, Bankverbindung Nr. {row} ({what})"
STEPS = "Bitte am Arbeitsplatz: Beteiligten Nr. {party} öffnen, Register „Bankverbindungen“, Bankverbindung Nr. {row}"
TEXTS = {
    NoticeKind.READ_ONLY: (
        "Abgleich mit Advoware: {label} einer Bankverbindung wurde geändert und kann von EspoCRM aus dort nicht "
        f"geändert werden. Alt (Advoware): {{right}}, neu (EspoCRM): {{left}}. {STEPS} bearbeiten, {{label}} aus "
        "EspoCRM übernehmen, speichern."
    ),
    NoticeKind.ADOPTED: (
        "Abgleich mit Advoware: Die Bankverbindung gab es dort schon; {label} war verschieden. EspoCRM: {left}, "
        f"Advoware: {{right}}. Übernommen wurde der Wert aus Advoware. Ist der andere richtig: {STEPS} bearbeiten."
    ),
    NoticeKind.DELETED_LEFT: (
        f"Abgleich mit Advoware: Eine Bankverbindung wurde in EspoCRM gelöscht. In Advoware bleibt sie: {ACCOUNT}. "
        f"Advoware lässt das Löschen von hier aus nicht zu. {STEPS} löschen."
    ),
    NoticeKind.DELETED_RIGHT: (
        f"Abgleich mit Advoware: Eine Bankverbindung wurde in Advoware gelöscht: {ACCOUNT}. In EspoCRM bleibt sie "
        "erhalten und wird nicht neu angelegt. Soll sie wieder nach Advoware, leeren Sie dort das Feld advowareId und "
        "setzen den Status auf pending_sync; sonst löschen Sie sie auch hier."
    ),
}

FIELDS = (
    Field("kontoinhaber", Attribute("kontoinhaber", 140), Attribute("kontoinhaber"), "Kontoinhaber"),
    Field(
        "iban",
        Attribute("iban", 34),
        Attribute("iban", required=True, check=refusal),
        "IBAN",
        IBAN,
        essential=True,
        shown=masked,
    ),
    Field("bic", Attribute("bic", 11), Attribute("bic"), "BIC", BIC),
    Field("bank", Attribute("bank", 140), Attribute("bank"), "Bank"),
    Field("mandatsreferenz", Attribute("mandatsreferenz", 60), Attribute("mandatsreferenz"), "Mandatsreferenz"),
    Field("mandatvom", Attribute("mandatVom"), Attribute("mandatVom", earliest=FIRST_DAY), "Mandat vom", DAY),
)

BANKVERBINDUNGEN = EntityMapping(
    entity="bankverbindungen",
    left_type="CBankverbindungen",
    right_type="Bankverbindungen",
    fields=FIELDS,
    kind_of=kind_of,
    kind_fields=frozenset(),
    right_writable=("kontoinhaber", "iban", "bic", "bank", "kontoNr", "blz", "mandatsreferenz", "mandatVom"),
    right_updatable=(),
    link_attribute="advowareId",
    link_is_number=True,
    child_of=ChildOf(
        entity="beteiligte",
        attribute="beteiligteId",
        number="betNr",
        inline=("bankverbindungen", "bankkverbindungen"),
        identity=identity,
        identity_field="iban",
        imported=True,
    ),
    state=CHILD_STATE,
    texts=TEXTS,
    describe=describe,
)
