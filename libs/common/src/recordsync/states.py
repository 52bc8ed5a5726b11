"""The states that users see in EspoCRM, as patches of the record. Pure.

Source: field table of the office's entities; `syncing` is shown only while a sync waits for its retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from recordsync.mapping.codecs import espo_time
from recordsync.mapping.field import EntityMapping
from recordsync.mapping.state import EVERY_STATE, LeftState
from recordsync.quoting import message as limited
from recordsync.refusals import words_of
from recordsync.systems import CODES, NAMES, side_of
from synckit.errors import Ambiguous, MappingError, RemoteRejected, SyncError
from synckit.reconcile.plan import Side

Payload = Mapping[str, Any]


class SyncStatus(StrEnum):
    """`syncStatus` of a record."""

    PENDING = "pending_sync"
    DIRTY = "dirty"
    SYNCING = "syncing"
    CLEAN = "clean"
    CONFLICT = "conflict"
    FAILED = "failed"
    PERMANENTLY_FAILED = "permanently_failed"
    DELETED_IN_ADVOWARE = "deleted_in_advoware"
    MANUAL_ACTION = "manual_action"


class States:
    """The patches of one type of EspoCRM, as far as its state fields go."""

    def __init__(self, has: LeftState = EVERY_STATE) -> None:
        self._has = has

    def settled(
        self, payload: Payload, link: Mapping[str, Any], at: datetime, *, touched: bool, by_hand: str = ""
    ) -> dict[str, Any]:
        """Back to `clean`, with the link's attributes repaired. Empty where it is so already and nothing was `touched`.

        `by_hand`: what a person has to do at a desk, where the two sides can't be brought in step from here.
        """
        wanted = {**_quiet(SyncStatus.CLEAN), **link, "advowareDeletedAt": None}
        if by_hand and self._has.has_manual_action:
            wanted |= {"syncStatus": SyncStatus.MANUAL_ACTION.value, "syncErrorMessage": limited(by_hand)}
        patch = self._differing(payload, wanted)
        # A row id that moved is no reason for a call of its own: our own table knows it.
        if not touched and set(patch) <= {"advowareRowId"}:
            return {}
        return {**patch, "advowareLastSync": espo_time(at)}

    def troubled(self, payload: Payload, status: SyncStatus, message: str) -> dict[str, Any]:
        """A state with a message. Empty where the record says so already."""
        return self._differing(payload, {**_quiet(status), "syncErrorMessage": limited(message)})

    def refused(self, payload: Payload, link: Mapping[str, Any], message: str) -> dict[str, Any]:
        """`failed` for what a side does not take, and the link repaired all the same."""
        told = {**_quiet(SyncStatus.FAILED), **link, "syncErrorMessage": limited(message), "advowareDeletedAt": None}
        patch = self._differing(payload, told)
        return {} if set(patch) <= {"advowareRowId"} else patch

    def parked(self, status: SyncStatus, message: str, attempts: int, due_at: datetime) -> dict[str, Any]:
        """Waits for its next try."""
        return self._has.fitted(
            {
                "syncStatus": status.value,
                "syncErrorMessage": limited(message),
                "syncRetryCount": attempts,
                "syncNextRetry": espo_time(due_at),
            }
        )

    def syncing(self) -> dict[str, Any]:
        """A retry is due."""
        return self._has.fitted({"syncStatus": SyncStatus.SYNCING.value})

    def gone(self, at: datetime) -> dict[str, Any]:
        """The record was deleted in Advoware; stays so until a person decides."""
        return self._has.fitted({**_quiet(SyncStatus.DELETED_IN_ADVOWARE), "advowareDeletedAt": espo_time(at)})

    def _differing(self, payload: Payload, wanted: Mapping[str, Any]) -> dict[str, Any]:
        fitted = self._has.fitted(wanted)
        return {name: value for name, value in fitted.items() if not _alike(payload.get(name), value)}


def explain(error: SyncError, names: EntityMapping | None = None) -> str:
    """A user's message: what is wrong and where, without any value of the record. `names`: what a user calls fields."""
    match error:
        case MappingError():
            label = names.label(error.field) if names else error.field
            return f"{label}: {error.reason} ({_SIDES.get(error.side, error.side)}). Bitte korrigieren."
        case RemoteRejected() if error.field:
            label, why = _label(error, names), words_of(error)
            return f"{label} {why} ({error.field}). Bitte korrigieren."
        case RemoteRejected():
            return f"{_name(error.upstream)} lehnt die Änderung ab ({error.status} {error.reason})."
        case Ambiguous():
            return f"Nicht eindeutig: {', '.join(error.candidates)}. Bitte in EspoCRM die richtige betnr eintragen."
        case _:
            return f"Vorübergehend nicht möglich ({in_words(error)}). Wird von selbst wiederholt."


def _label(error: RemoteRejected, names: EntityMapping | None) -> str:
    side = side_of(error.upstream)
    field = names.field_at(side, error.field or "") if names else None
    return names.label(field) if names and field else f"Das Feld {error.field}"


def in_words(error: SyncError) -> str:
    """What a user can make of an error that passes."""
    upstream = _name(getattr(error, "upstream", ""))
    return f"{upstream} {_WORDS[error.code]}".strip() if error.code in _WORDS else error.code


_WORDS = {
    "remote_unavailable": "nicht erreichbar",
    "rate_limited": "überlastet",
    "locked": "Datensatz gerade in Bearbeitung",
    "stale_version": "Datensatz wird laufend geändert",
    "transient": "Störung",
}
_SIDES = {side.value: NAMES[side] for side in Side}
_NAMES = {**{CODES[side]: NAMES[side] for side in Side}, "advoware_auth": "Anmeldung bei Advoware"}


def _name(upstream: str) -> str:
    return _NAMES.get(upstream, upstream)


def _quiet(status: SyncStatus) -> dict[str, Any]:
    return {"syncStatus": status.value, "syncErrorMessage": None, "syncRetryCount": 0, "syncNextRetry": None}


def _alike(stored: Any, wanted: Any) -> bool:
    """Null, "" and 0 are one and the same to a state field."""
    return (stored or None) == (wanted or None)
