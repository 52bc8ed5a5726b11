"""What an EspoCRM must have, as data. The mappings' attributes and options are held against it by a test. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kanzlei.espocrm.schema import BASE, PERSON, EntitySpec, FieldSpec, JobSpec, LinkSpec, RoleSpec, Target
from kanzlei.espocrm.target_parts import DOKUMENT_FIELDS, PART_NAMES, Part, part

ROLE, USER = "Kanzlei-Sync", "kanzlei-sync"
LEGAL_FORMS = (
    "GmbH",
    "GmbH & Co. KG",
    "AG",
    "KG",
    "OHG",
    "GbR",
    "UG",
    "e.K.",
    "e.V.",
    "Stiftung",
    "Behörde",
    "Sonstige",
)
SALUTATIONS = ("Herr", "Frau", "Divers")
PARTY_STATES = (
    "pending_sync",
    "dirty",
    "syncing",
    "clean",
    "conflict",
    "failed",
    "permanently_failed",
    "deleted_in_advoware",
)
CHILD_STATES = ("pending_sync", "clean", "dirty", "failed", "manual_action", "deleted_in_advoware")
PHONE_TYPES = ("Mobile", "Office", "Home", "Fax", "Other")
MOST_ENTRIES = 100
"""Phone numbers and mails of one record; EspoCRM's own default is 10."""


def _text(name: str, label: str, length: int) -> FieldSpec:
    return FieldSpec(name, label, "varchar", max_length=length)


def _states(states: tuple[str, ...]) -> FieldSpec:
    return FieldSpec("syncStatus", "Abgleich", "enum", options=states, default="pending_sync")


_ROW_ID = _text("advowareRowId", "Advoware: Fassung", 100)
_LAST_SYNC = FieldSpec("advowareLastSync", "Zuletzt abgeglichen", "datetime")
_MESSAGE = FieldSpec("syncErrorMessage", "Meldung des Abgleichs", "text")

BETEILIGTE = EntitySpec(
    "CBeteiligte",
    PERSON,
    "Beteiligte",
    stream=True,
    fields=(
        FieldSpec("firstName", "Vorname", "varchar", built_in=True),
        FieldSpec("lastName", "Nachname", "varchar", built_in=True),
        FieldSpec(
            "salutationName",
            "Anrede",
            "enum",
            options=("", *SALUTATIONS),
            built_in=True,
            stock_options=("", "Mr.", "Ms.", "Mrs.", "Dr."),
        ),
        FieldSpec("emailAddress", "E-Mail", "email", built_in=True, least_count=MOST_ENTRIES),
        FieldSpec("phoneNumber", "Telefon", "phone", built_in=True, type_list=PHONE_TYPES, least_count=MOST_ENTRIES),
        _text("firmenname", "Firmenname", 140),
        FieldSpec("rechtsform", "Rechtsform", "enum", options=("", *LEGAL_FORMS)),
        _text("titel", "Titel", 60),
        _text("briefAnrede", "Briefanrede", 255),
        _text("zusatz", "Zusatz", 140),
        FieldSpec("dateOfBirth", "Geburtsdatum", "date"),
        _text("geburtsname", "Geburtsname", 255),
        _text("familienstand", "Familienstand", 255),
        _text("handelsregisterNummer", "Handelsregisternummer", 255),
        _text("registergericht", "Registergericht", 255),
        FieldSpec("betnr", "Advoware-Nr.", "int", params={"min": 1}),
        _ROW_ID,
        _LAST_SYNC,
        FieldSpec("advowareDeletedAt", "In Advoware gelöscht am", "datetime"),
        _states(PARTY_STATES),
        _MESSAGE,
        FieldSpec("syncRetryCount", "Versuche", "int", default=0),
        FieldSpec("syncNextRetry", "Nächster Versuch", "datetime"),
    ),
)
ADRESSEN = EntitySpec(
    "CAdressen",
    BASE,
    "Adressen",
    fields=(
        FieldSpec("name", "Name", "varchar", built_in=True, optional=False),
        FieldSpec("adresse", "Adresse", "address"),
        _text("postfach", "Postfach", 40),
        _text("postfachPLZ", "PLZ des Postfachs", 20),
        FieldSpec("isStandard", "Standardanschrift", "bool"),
        FieldSpec("gueltigVon", "Gültig von", "date"),
        FieldSpec("gueltigBis", "Gültig bis", "date"),
        FieldSpec("beschreibung", "Anschrift", "text"),
        FieldSpec("advowareId", "Advoware-Nr.", "int"),
        _ROW_ID,
        _states(CHILD_STATES),
        _LAST_SYNC,
        _MESSAGE,
    ),
)
BANKVERBINDUNGEN = EntitySpec(
    "CBankverbindungen",
    BASE,
    "Bankverbindungen",
    fields=(
        FieldSpec("name", "Name", "varchar", built_in=True, optional=False),
        _text("kontoinhaber", "Kontoinhaber", 140),
        _text("iban", "IBAN", 34),
        _text("bic", "BIC", 11),
        _text("bank", "Bank", 140),
        _text("mandatsreferenz", "Mandatsreferenz", 60),
        FieldSpec("mandatVom", "Mandat vom", "date"),
        FieldSpec("advowareId", "Advoware-Nr.", "int"),
        _ROW_ID,
        _states(CHILD_STATES),
        _LAST_SYNC,
        _MESSAGE,
    ),
)
DOKUMENTE = EntitySpec("CDokumente", BASE, "Dokumente", stream=True, fields=DOKUMENT_FIELDS)

LINKS = (
    LinkSpec("CBeteiligte", "adressens", "CAdressen", "beteiligte"),
    LinkSpec("CBeteiligte", "bankverbindungens", "CBankverbindungen", "beteiligte"),
    LinkSpec("CBeteiligte", "dokumentes", "CDokumente", "beteiligtes", "manyToMany", "cBeteiligteDokumente"),
)
_CHILD_RIGHTS = {"create": "yes", "read": "all", "edit": "all", "delete": "no"}
RIGHTS: Mapping[str, Mapping[str, str]] = {
    "CBeteiligte": {"create": "no", "read": "all", "edit": "all", "delete": "no", "stream": "all"},
    "CAdressen": _CHILD_RIGHTS,
    "CBankverbindungen": _CHILD_RIGHTS,
    "CDokumente": {"create": "no", "read": "all", "edit": "no", "delete": "no", "stream": "no"},
    # EspoCRM checks the right to read the user that a note is meant for; own and team are not enough.
    "User": {"read": "all", "edit": "no"},
}


def target(parts: Iterable[str] = ()) -> Target:
    """What is needed today, and with `parts` what `documents` and `consultations` will need. KeyError for others."""
    chosen = [part(name) for name in PART_NAMES if name in _known(parts)]
    return Target(
        entities=_with_fields((BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN, DOKUMENTE), chosen),
        links=(*LINKS, *(link for each in chosen for link in each.links)),
        role=RoleSpec(ROLE, _rights(chosen), flags=("Webhook",), permissions={"messagePermission": "all"}),
        user_name=USER,
        job=JobSpec("ProcessWebhookQueue", "Process Webhook Queue", "* * * * *"),
    )


def _known(parts: Iterable[str]) -> set[str]:
    return {part(name).name for name in parts}


def _with_fields(entities: tuple[EntitySpec, ...], chosen: list[Part]) -> tuple[EntitySpec, ...]:
    """A part adds fields to an entity that is there, and entities of its own."""
    found = {each.scope: each for each in entities}
    for extra in (entity for each in chosen for entity in each.entities):
        known = found.get(extra.scope)
        found[extra.scope] = extra if known is None else _joined(known, extra)
    return tuple(found.values())


def _joined(known: EntitySpec, extra: EntitySpec) -> EntitySpec:
    return replace(known, fields=(*known.fields, *extra.fields))


def _rights(chosen: list[Part]) -> Mapping[str, Mapping[str, str]]:
    rights = {scope: dict(given) for scope, given in RIGHTS.items()}
    for each in chosen:
        for scope, given in each.rights.items():
            rights[scope] = {**rights.get(scope, {}), **given}
    return rights
