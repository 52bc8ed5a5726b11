"""What people read: reasons and notes, in German."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MOST_SAID = 300
INDEXING = "indexing"
REFUSED = "refused_"
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "Die Datei ist leer (0 Bytes). Bitte eine Datei mit Inhalt hochladen.",
        "too_large": "Die Datei ist zu groß für xAI. Bitte verkleinern oder teilen.",
        "type": "Dieser Dateityp geht nicht zu xAI. Bitte als PDF oder Text hochladen.",
        "gone": "Die Datei zu diesem Dokument ist in EspoCRM nicht mehr da. Bitte neu hochladen.",
        INDEXING: "xAI konnte die Datei auch nach drei weiteren Versuchen nicht lesen.",
        "unavailable": "Noch nicht erledigt, wird von selbst wiederholt.",
    }
)
AGAIN = (
    "Dieses Dokument fehlte in der xAI-Sammlung, obwohl es hineingehört. Es wurde dort von anderer Hand entfernt und "
    "ist wieder aufgenommen worden. Soll es nicht mehr hinein, bitte die Verknüpfung lösen oder den Schalter ausmachen."
)
COLLECTION_AGAIN = (
    "Die xAI-Sammlung zu diesem Datensatz war bei xAI gelöscht und ist neu angelegt worden. Soll es keine mehr geben, "
    "bitte den Schalter ausschalten."
)
HELD = (
    "Der Schalter dieses Datensatzes ist aus, zugleich mit vielen anderen. Deshalb wird seine xAI-Sammlung noch nicht "
    "geleert. Ist das gewollt, nimmt die IT sie zurück: python -m document_sync withdraw {type} {id}"
)
CANT_CREATE = (
    "xAI hat die Sammlung zu diesem Datensatz abgelehnt ({status}). Es wird weiter versucht; die IT prüft Schlüssel "
    "und Guthaben."
)


def reason_text(reason: str) -> str:
    """For the field `xaiSyncError`; "" where nothing is wrong."""
    if reason.startswith(REFUSED):
        return f"xAI hat die Datei abgelehnt ({reason.removeprefix(REFUSED)})."
    return REASONS.get(reason, "")


def with_message(reason: str, message: str) -> str:
    """With what xAI said, in its words: printable and short."""
    said = "".join(each if each.isprintable() else " " for each in message).strip()[:MOST_SAID]
    text = reason_text(reason)
    return f"{text} xAI meldet: {said}" if text and said else text
