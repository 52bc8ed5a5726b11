"""Reasons in the words of the office. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from synckit.errors import AuthenticationRefused, SyncError

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_account": "Dieses Google-Konto gibt es in der Domäne nicht (Mitarbeiter oder GOOGLE_ROLE_ACCOUNT).",
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
DELEGATION = (
    "Google weist unsere Anmeldung ab: in admin.google.com unter Sicherheit > Zugriffs- und Datenkontrolle > "
    "API-Steuerung > Domainweite Delegierung muss die Client-ID des Dienstkontos mit allen drei Bereichen stehen."
)


def reason_of(error: SyncError) -> str:
    """Never the error's own text: that is for the log."""
    if isinstance(error, AuthenticationRefused) and error.upstream.startswith("google"):
        return DELEGATION
    return REASONS.get(error.code, "Der Lauf ist gescheitert; der Grund steht im Protokoll der IT.")
