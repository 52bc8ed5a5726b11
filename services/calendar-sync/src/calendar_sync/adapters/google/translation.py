"""Google's errors in our words: what each means decides what happens next. No text of Google's passes: it may name an
account or quote an event.

Source: Google's guide to the API's errors, and section 1.6 of docs/contracts/google-calendar.md.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError

from calendar_sync.adapters.google.access import DelegationRefused
from calendar_sync.adapters.google.sent_once import MaybeSent
from calendar_sync.domain.google_errors import (
    CalendarLost,
    IdTaken,
    NoAccount,
    ReadOnlyEvent,
    SyncTokenDead,
    WritesBlocked,
)
from synckit.errors import (
    AuthenticationRefused,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    SyncError,
)

UPSTREAM, UPSTREAM_AUTH = "google", "google_auth"
TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
READ_ONLY = frozenset(
    {"forbiddenForNonOrganizer", "cannotChangeOrganizer", "forbiddenForServiceAccounts", "eventTypeRestriction"}
)
FULL_SYNC = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})
BAD_TOKEN = "invalid sync token value"  # noqa: S105 -- words of Google's, no token
BAD_SEQUENCE = "invalid sequence value"
AUTH_SECONDS = 600.0
_NO_ANSWER = (OSError, TimeoutError, ssl.SSLError, http.client.HTTPException, httplib2.HttpLib2Error, GoogleAuthError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Google said: status, its own word for the reason, and seconds where it named some."""

    status: int
    reason: str
    words: str = ""
    retry_after: float | None = None


def refusal_of(error: HttpError) -> Refusal:
    """Tolerates an answer that is not Google's own form: a gateway's page has no reason."""
    status = int(error.resp.status)
    try:
        told = json.loads(error.content)
    except (ValueError, UnicodeDecodeError):
        told = None
    inner = told.get("error") if isinstance(told, Mapping) else None
    if not isinstance(inner, Mapping):
        return Refusal(status, "", retry_after=_seconds(error.resp.get("retry-after")))
    listed = inner.get("errors")
    first: Any = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    reason = first.get("reason")
    return Refusal(
        status,
        reason if isinstance(reason, str) and reason.isalnum() else "",
        str(inner.get("message") or "").lower()[:200],
        _seconds(error.resp.get("retry-after")),
    )


def translated(error: BaseException, *, writes: bool) -> SyncError | None:
    """In our words, or None for a bug. `writes`: the call may have been carried out although no answer came."""
    if isinstance(error, HttpError):
        return _of_status(refusal_of(error), writes=writes)
    if isinstance(error, DelegationRefused) and error.code == "no_account":
        return NoAccount(f"{UPSTREAM_AUTH}: no such account in the domain")
    if isinstance(error, DelegationRefused):
        return AuthenticationRefused(UPSTREAM_AUTH, retry_after=AUTH_SECONDS)
    if isinstance(error, (MaybeSent, *_NO_ANSWER)):
        return RemoteUnavailable(UPSTREAM, type(error).__name__, maybe_applied=writes)
    return None


def _of_status(told: Refusal, *, writes: bool) -> SyncError:
    if told.status >= 500:
        return RemoteUnavailable(UPSTREAM, str(told.status), retry_after=told.retry_after, maybe_applied=writes)
    if told.status == 429 or (told.status == 403 and told.reason in TOO_FAST):
        return RateLimited(UPSTREAM, told.reason or str(told.status), retry_after=told.retry_after)
    if told.status == 401:
        return AuthenticationRefused(UPSTREAM, retry_after=AUTH_SECONDS)
    if told.status == 403:
        return _forbidden(told)
    return _of_content(told)


def _of_content(told: Refusal) -> SyncError:
    """What Google says of one event or of one token; whose meaning its status alone does not tell."""
    if (told.status == 410 and told.reason in FULL_SYNC) or (told.status == 400 and BAD_TOKEN in told.words):
        return SyncTokenDead(f"{UPSTREAM}: {told.reason or 'invalid sync token'}")
    if told.status == 412 or (told.status == 400 and BAD_SEQUENCE in told.words):
        return StaleVersion(f"{UPSTREAM}: changed meanwhile")
    if told.status == 409:
        return IdTaken(UPSTREAM, 409, told.reason or "duplicate")
    return RemoteRejected(UPSTREAM, told.status, told.reason or "rejected")


def _forbidden(told: Refusal) -> SyncError:
    if told.reason == "quotaExceeded":
        return WritesBlocked(UPSTREAM, "quotaExceeded")
    if told.reason in READ_ONLY:
        return ReadOnlyEvent(UPSTREAM, 403, told.reason)
    if told.reason in ("insufficientPermissions", "accessNotConfigured"):
        return AuthenticationRefused(UPSTREAM, retry_after=AUTH_SECONDS)
    return CalendarLost(f"{UPSTREAM}: 403 {told.reason}")


def _seconds(value: Any) -> float | None:
    """`Retry-After` in seconds; a date, or nonsense, is none."""
    return float(value) if isinstance(value, str) and value.isdigit() and len(value) < 6 else None
