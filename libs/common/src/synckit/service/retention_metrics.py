"""Whether a service removes what has had its time."""

from __future__ import annotations

from synckit.service.metrics import gauge

RETENTION_REFUSED = gauge(
    "sync_retention_refused", "1 while nothing is removed: the database's clock leapt, a person must look."
)


def retention_refused(is_refused: bool) -> None:
    """Whether the last run was."""
    RETENTION_REFUSED.set(is_refused)
