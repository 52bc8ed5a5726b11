"""What further services will need: `documents` (xAI collections) and `consultations` (Erstgespräch). Pure.

The calendar needs nothing of EspoCRM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kanzlei.espocrm.schema import BASE, PERSON, EntitySpec, FieldSpec, LinkSpec


@dataclass(frozen=True, slots=True)
class Part:
    """Entities, or fields for those that are there anyway; links; rights."""

    name: str
    entities: tuple[EntitySpec, ...]
    links: tuple[LinkSpec, ...] = ()
    rights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


COLLECTION_FIELDS = (
    FieldSpec("xaiCollectionId", "xAI-Sammlung", "varchar", max_length=100),
    FieldSpec("xaiSyncActive", "Für xAI freigegeben", "bool"),
)
DOKUMENT_FIELDS = (
    FieldSpec("name", "Name", "varchar", built_in=True, optional=False),
    FieldSpec("file", "Datei", "file", params={"accept": []}),
)
_XAI_FIELDS = (
    FieldSpec("md5sum", "MD5", "varchar", max_length=32),
    FieldSpec("sha256", "SHA-256", "varchar", max_length=64),
    FieldSpec("fileStatus", "Stand der Datei", "enum", options=("new", "changed", "synced"), default="new"),
    FieldSpec("xaiId", "xAI-Nr.", "varchar", max_length=100),
    FieldSpec("xaiCollections", "xAI-Sammlungen", "array"),
    FieldSpec("xaiSyncedHash", "xAI: Prüfsumme", "varchar", max_length=64),
    FieldSpec(
        "xaiSyncStatus",
        "xAI: Abgleich",
        "enum",
        options=("no_sync", "pending_sync", "clean", "unclean", "failed"),
        default="no_sync",
    ),
    FieldSpec("xaiSyncError", "xAI: Meldung", "text"),
)
_READ_EDIT = {"create": "no", "read": "all", "edit": "all", "delete": "no"}

DOCUMENTS = Part(
    "documents",
    entities=(
        EntitySpec("CDokumente", BASE, "Dokumente", _XAI_FIELDS),
        EntitySpec("CBeteiligte", PERSON, "Beteiligte", COLLECTION_FIELDS),
        EntitySpec(
            "CVmhRumungsklage",
            BASE,
            "Räumungsklage",
            (
                FieldSpec("name", "Name", "varchar", built_in=True, optional=False),
                *COLLECTION_FIELDS,
            ),
            stream=True,
        ),
        EntitySpec("Account", "Company", "Firmen", COLLECTION_FIELDS, custom=False),
    ),
    links=(
        LinkSpec(
            "CVmhRumungsklage", "dokumentes", "CDokumente", "rumungsklages", "manyToMany", "cRumungsklageDokumente"
        ),
        LinkSpec("CDokumente", "accounts", "Account", "dokumentes", "manyToMany", "cAccountDokumente"),
    ),
    rights={"CDokumente": _READ_EDIT, "CVmhRumungsklage": _READ_EDIT, "Account": {"read": "all", "edit": "all"}},
)
CONSULTATIONS = Part(
    "consultations",
    entities=(
        EntitySpec(
            "CVmhErstgespraech",
            BASE,
            "Erstgespräch",
            (
                FieldSpec("name", "Name", "varchar", built_in=True, optional=False),
                FieldSpec(
                    "status",
                    "Status",
                    "enum",
                    options=("Neu", "Warten auf neuen Anruf", "In Bearbeitung", "Erledigt"),
                    default="Neu",
                ),
                FieldSpec("nextCall", "Nächster Anruf", "datetime"),
            ),
            stream=True,
            versioned=True,
        ),
    ),
    rights={"CVmhErstgespraech": _READ_EDIT},
)
_PARTS = {each.name: each for each in (DOCUMENTS, CONSULTATIONS)}
PART_NAMES = tuple(_PARTS)


def part(name: str) -> Part:
    """KeyError where there is no such part."""
    return _PARTS[name]
