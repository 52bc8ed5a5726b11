"""Which records EspoCRM is asked for, as `where` clauses. Times are compared as raw UTC text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kanzlei.consultations import NEXT_CALL, WAITING
from kanzlei.consultations import STATUS as CALL_STATUS
from recordsync.mapping.codecs import espo_time
from synckit.ports import LONGEST_PARKED

Where = Sequence[Mapping[str, Any]]
STATUS = "syncStatus"
NEXT_RETRY = "syncNextRetry"
MODIFIED = "modifiedAt"
SKEW = timedelta(minutes=10)
"""A time of change that is ahead by more was written by a clock that was wrong: it keeps nothing waiting."""
RETRY_AFTER = timedelta(hours=24)
"""How long a record rests that failed for good: without a due time, nothing here will mend it by itself."""


def _is(attribute: str, kind: str, value: object = None) -> dict[str, Any]:
    clause: dict[str, Any] = {"type": kind, "attribute": attribute}
    return clause if value is None else {**clause, "value": value}


def _either(*clauses: object) -> dict[str, Any]:
    return {"type": "or", "value": list(clauses)}


def _both(*clauses: object) -> dict[str, Any]:
    return {"type": "and", "value": list(clauses)}


def _before(attribute: str, moment: datetime, latest: datetime) -> dict[str, Any]:
    """True also of a time that is later than any can be."""
    past = _is(attribute, "lessThanOrEquals", espo_time(moment))
    return _either(past, _is(attribute, "greaterThanOrEquals", espo_time(latest)))


def in_few_states(now: datetime) -> Where:
    """As below, for a type that does not show when it is tried again: our own memory knows."""
    rested = _before(MODIFIED, now - RETRY_AFTER, now + SKEW)
    return [_either(_is(STATUS, "in", ["pending_sync", "dirty"]), _both(_is(STATUS, "equals", "failed"), rested))]


def waiting_for_a_call(now: datetime) -> Where:
    """Erstgespräche whose next call should have been made by now."""
    return [_is(CALL_STATUS, "equals", WAITING), _is(NEXT_CALL, "lessThanOrEquals", espo_time(now))]


def in_waiting_states(now: datetime, stale_syncing: timedelta) -> Where:
    """One question for all states: what waits, what is due again, what was forgotten while it was synced."""
    no_date = _is(NEXT_RETRY, "isNull")
    due = _before(NEXT_RETRY, now, now + LONGEST_PARKED)
    rested = _before(MODIFIED, now - RETRY_AFTER, now + SKEW)
    forgotten = _before(MODIFIED, now - stale_syncing, now + SKEW)
    return [
        _either(
            _is(STATUS, "in", ["pending_sync", "dirty"]),
            _both(_is(STATUS, "in", ["failed", "permanently_failed"]), _either(_both(no_date, rested), due)),
            _both(_is(STATUS, "equals", "syncing"), forgotten),
        )
    ]
