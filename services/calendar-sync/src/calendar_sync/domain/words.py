"""Reasons in the words of the office. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from synckit.errors import SyncError

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "calendar_lost": "Der Kalender ist bei Google nicht mehr da oder nicht mehr freigegeben.",
        "writes_blocked": "Google nimmt von diesem Konto für einige Stunden keine Änderungen an (quotaExceeded).",
        "rate_limited": "Zu viele Aufrufe in kurzer Zeit; der nächste Lauf macht weiter.",
        "authentication_refused": "Google oder Advoware weist unsere Anmeldung ab; die IT muss sie richten.",
        "credentials_refused": "Google oder Advoware weist unsere Anmeldung ab; die IT muss sie richten.",
        "locked": "Ein anderer Lauf für dieses Kürzel ist noch nicht zu Ende.",
        "stale_version": "Ein neuerer Lauf hat diesen überholt.",
        "implausible": "Die Antwort von Advoware kann so nicht stimmen; es wurde nichts geändert.",
        "remote_unavailable": "Google oder Advoware ist gerade nicht zu erreichen.",
        "circuit_open": "Google oder Advoware ist gerade nicht zu erreichen.",
        "remote_rejected": "Google oder Advoware hat eine Änderung abgelehnt.",
        "sync_token_dead": "Google wollte eine vollständige Liste und hat sie nicht gegeben.",
    }
)
"""Code of an error → what a person is told."""


def reason_of(error: SyncError) -> str:
    """Never the error's own text: that is for the log."""
    return REASONS.get(error.code, "Der Lauf ist gescheitert; der Grund steht im Protokoll der IT.")
