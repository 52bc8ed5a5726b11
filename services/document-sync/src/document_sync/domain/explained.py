"""Why a document or a collection stands as it does: the same decision as a look's, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from document_sync.domain.decide_record import RecordLook
from document_sync.domain.look import Look
from document_sync.domain.memory import Collection, File
from document_sync.domain.values import DocumentState, Indexing, Phase, RecordKey
from document_sync.domain.words import reason_text

STATES = {
    DocumentState.NO_SYNC: "Das Dokument ist in keiner Sammlung und gehört in keine.",
    DocumentState.PENDING: "Das Dokument ist unterwegs, oder xAI liest es noch ein.",
    DocumentState.CLEAN: "Das Dokument ist in genau den Sammlungen, in die es gehört.",
    DocumentState.UNCLEAN: "Das Dokument wurde gesehen, aber noch nicht zu Ende bearbeitet.",
    DocumentState.FAILED: "Das Dokument konnte nicht aufgenommen werden.",
}
PHASES = {
    Phase.NONE: "Der Datensatz hat keine Sammlung.",
    Phase.LIVE: "Der Datensatz hat eine Sammlung.",
    Phase.CLOSING: "Die Sammlung wird gerade zurückgenommen.",
    Phase.CLOSED: "Die Sammlung ist zurückgenommen, nichts davon ist mehr bei xAI.",
}


def document_text(look: Look) -> str:
    """For a person. Where links lack the reason is said."""
    row = look.document
    told = [STATES[row.state], reason_text(row.reason)]
    if look.view is None:
        told.append("In EspoCRM gibt es das Dokument nicht (mehr).")
    elif not look.links:
        told.append("Es ist mit keinem Datensatz verknüpft, der eine Sammlung haben kann.")
    elif not row.wanted:
        told.append("Bei keinem seiner Datensätze ist der Schalter an.")
    return " ".join(each for each in told if each)


def record_text(look: RecordLook) -> str:
    """For a person."""
    row = look.row
    told = [PHASES[row.phase]]
    if row.is_held:
        told.append("Der Schalter ist aus, zugleich mit vielen anderen: zurückgenommen wird erst, wenn die IT es sagt.")
    if row.withdrawn:
        told.append("Sie wurde von Hand zurückgenommen; erst aus- und wieder einschalten legt sie neu an.")
    if row.reason:
        told.append(f"Zuletzt ging es nicht: {row.reason}.")
    return " ".join(told)


def document_memory(look: Look) -> dict[str, Any]:
    """As JSON: ids, hashes and times."""
    row = look.document
    return {
        "attachment": row.attachment,
        "sha256": row.sha256,
        "wanted": sorted(map(str, row.wanted)),
        "links": sorted(map(str, look.links)),
        "switched_on": _switched_on(look),
        "due": row.due.isoformat() if row.due else None,
        "looked_at": row.looked_at.isoformat() if row.looked_at else None,
        "files": [_file(file) for file in sorted(look.files.values(), key=lambda one: one.sha256)],
    }


def record_memory(row: Collection, out: Sequence[str]) -> dict[str, Any]:
    return {
        "switch": str(row.switch),
        "collection_id": row.collection_id,
        "withdrawn": row.withdrawn,
        "is_held": row.is_held,
        "due": row.due.isoformat() if row.due else None,
        "looked_at": row.looked_at.isoformat() if row.looked_at else None,
        "out": list(out),
    }


def _switched_on(look: Look) -> list[str]:
    def is_on(key: RecordKey) -> bool:
        return key in look.collections and look.collections[key].is_active

    return sorted(str(key) for key in look.links if is_on(key))


def _file(file: File) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "file_id": file.file_id,
        "places": [
            {
                "record": str(one.record),
                "collection_id": one.collection_id,
                "documents": list(one.documents),
                "status": str(one.status),
                "is_found": one.status is Indexing.PROCESSED,
            }
            for _, one in sorted(file.placements.items())
        ],
    }
