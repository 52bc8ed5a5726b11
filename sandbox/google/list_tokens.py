"""Page tokens and sync tokens: opaque for the caller, and full of the ways in which they die."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sandbox.google.errors import GoogleError, full_sync_required, invalid, invalid_sync_token

LIFETIME = timedelta(days=28)
BIRTH = secrets.token_hex(4)
"""Of this process: tokens of an earlier one are over, as everything of it is."""


@dataclass(frozen=True)
class Mark:
    """A point in a list's history: which list, at which epoch, up to which change, asked how, and when."""

    list: str
    epoch: int
    seq: int
    asked: str
    at: float
    birth: str = BIRTH


@dataclass(frozen=True)
class Place:
    """Where a page ended: the mark of the first page, the last key, its number; `since`: of the sync, if it is one."""

    mark: Mark
    key: list[Any]
    number: int
    since: int | None


def encoded(token: Mark | Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(asdict(token)).encode()).decode().rstrip("=")


def _decoded(text: str, refusal: GoogleError) -> dict[str, Any]:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        told = json.loads(raw)
        if not isinstance(told, dict):
            raise TypeError(text)
    except (ValueError, TypeError):
        raise refusal from None
    return told


def read_mark(text: str, now: Mark, answer: int = 410) -> Mark:
    """The mark of a sync token; 410 where it is over, 400 where it is none or of another list."""
    try:
        mark = Mark(**_decoded(text, invalid_sync_token()))
    except TypeError:
        raise invalid_sync_token() from None
    if mark.list != now.list or mark.asked != now.asked:
        raise invalid_sync_token()
    if dead(mark, now):
        raise invalid_sync_token() if answer == 400 else full_sync_required()
    return mark


def read_place(text: str, now: Mark) -> Place:
    """The place that a page token says; 410 where the sync that it belongs to is over."""
    refusal = invalid("Invalid page token value.", "pageToken")
    told = _decoded(text, refusal)
    try:
        place = Place(Mark(**told.pop("mark")), **told)
    except (TypeError, KeyError):
        raise refusal from None
    if place.mark.list != now.list or place.mark.asked != now.asked or place.mark.birth != BIRTH:
        raise refusal
    if place.since is not None and dead(place.mark, now):
        raise full_sync_required()
    return place


def dead(mark: Mark, now: Mark) -> bool:
    """By age, by a change of rights, by hand, or with the process that gave it."""
    aged = now.at - mark.at > LIFETIME.total_seconds()
    return aged or mark.epoch != now.epoch or mark.birth != BIRTH
