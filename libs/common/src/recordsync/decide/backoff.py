"""When a record that failed is tried again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from recordsync.states import SyncStatus

RUNGS_MINUTES = (1, 5, 15, 60, 240)
AFTER_THE_LAST = timedelta(hours=24)


def shown_after(attempts: int) -> SyncStatus:
    """The state after so many tries."""
    return SyncStatus.FAILED if attempts <= len(RUNGS_MINUTES) else SyncStatus.PERMANENTLY_FAILED


def next_try(attempts: int, now: datetime) -> tuple[SyncStatus, datetime]:
    """`attempts` counts from 1. After the last rung the record is `permanently_failed`, and tried once a day."""
    rest = timedelta(minutes=RUNGS_MINUTES[attempts - 1]) if attempts <= len(RUNGS_MINUTES) else AFTER_THE_LAST
    return shown_after(attempts), now + rest
