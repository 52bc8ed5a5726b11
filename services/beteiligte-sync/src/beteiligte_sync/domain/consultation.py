"""What is done with an Erstgespräch at one moment: it goes back to `Neu`, or is left as it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from kanzlei.consultations import is_waiting, next_call
from kanzlei.office_hours import OfficeHours


class Verdict(StrEnum):
    """`RESET` is the only one that writes; the others say why not."""

    RESET = "reset"
    GONE = "gone"
    LEFT_ALONE = "left_alone"
    NOT_DUE = "not_due"
    CLOSED = "office_closed"


def verdict(payload: Mapping[str, Any] | None, now: datetime, hours: OfficeHours) -> Verdict:
    """`payload` as it was just read, None where there is no such record.

    One that a person has moved is theirs; one whose time is not there, or not told, waits for a person; outside the
    office's hours nobody could call, so it is looked at again when they begin.
    """
    if payload is None:
        return Verdict.GONE
    if not is_waiting(payload):
        return Verdict.LEFT_ALONE
    due = next_call(payload)
    if due is None or due > now:
        return Verdict.NOT_DUE
    return Verdict.RESET if hours.is_open(now) else Verdict.CLOSED
