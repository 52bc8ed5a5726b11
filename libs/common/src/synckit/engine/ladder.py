"""When a record that failed is tried again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from synckit.engine.status import SyncStatus

RUNGS_MINUTES = (1, 5, 15, 60, 240)
AFTER_THE_LAST = timedelta(hours=24)


def next_try(attempts: int, now: datetime) -> tuple[SyncStatus, datetime]:
    """`attempts` counts from 1. After the last rung the record is `permanently_failed`, and tried once a day."""
    if attempts <= len(RUNGS_MINUTES):
        return SyncStatus.FAILED, now + timedelta(minutes=RUNGS_MINUTES[attempts - 1])
    return SyncStatus.PERMANENTLY_FAILED, now + AFTER_THE_LAST
