"""The taxonomy of errors, sorted by what happens next.

SyncError
├── TransientError(retry_after)   in place with backoff, then parked with a due time
│   ├── RemoteUnavailable         connect, timeout, 5xx
│   │   ├── TooEarly              an earlier POST may still arrive, until a time that we know
│   │   ├── Implausible           an answer that can't be true: nothing may be concluded from it
│   │   ├── CredentialsRefused    what AuthenticationRefused means for a record: it waits
│   │   ├── TooSlow               no answer, or no end of it, within our time
│   │   └── CircuitOpen           a remote as a whole is in trouble: every record waits
│   ├── RateLimited               429, with its delay
│   ├── StaleVersion              the ground moved: read again, reconcile again
│   └── Locked                    somebody else holds the record (our lock, or a desk)
└── PermanentError                failed state or dead letter, no automatic retry
    ├── InvalidEvent              not what the topic promises
    ├── MappingError              no counterpart for a value
    ├── RemoteRejected            4xx
    ├── AuthenticationRefused     our credentials are wrong: no record's fault, and no call is made for a while
    └── Ambiguous                 several records claim to be one; a person decides
Anything else is a bug. No message here may hold client data: ids, field names and status codes only.
"""

from __future__ import annotations


class SyncError(Exception):
    """Base of everything that is expected to go wrong. `code` is a stable word for metrics and states."""

    code = "sync_error"


class TransientError(SyncError):
    """Worth trying again. `retry_after` is the remote's own wish in seconds, or None."""

    code = "transient"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RemoteUnavailable(TransientError):
    """Connect, timeout, 5xx, or an answer that is no answer (HTML with 200). `upstream` is `espocrm`, `advoware`, …

    `maybe_applied` says that the remote may have carried the request out although we did not see its answer.
    """

    code = "remote_unavailable"

    def __init__(
        self, upstream: str, message: str, *, retry_after: float | None = None, maybe_applied: bool = False
    ) -> None:
        super().__init__(f"{upstream}: {message}", retry_after=retry_after)
        self.upstream = upstream
        self.maybe_applied = maybe_applied


class TooEarly(RemoteUnavailable):
    """An earlier POST may still arrive. `retry_after` is no wish but the very time after which it can't any more."""


class Implausible(RemoteUnavailable):
    """An answer with 200 that can't be true, e.g. an empty list of many. It is no proof that anything is gone."""

    code = "implausible"


class CredentialsRefused(RemoteUnavailable):
    """What AuthenticationRefused means for a record: it waits until a person has mended our credentials."""

    code = "credentials_refused"


class TooSlow(RemoteUnavailable):
    """One of our own limits has passed: for the answer's beginning, the next chunk either way, or the whole call."""

    code = "too_slow"


class CircuitOpen(RemoteUnavailable):
    """A remote as a whole is in trouble, and is asked by one probe at a time: no record's fault, all of them wait."""

    code = "circuit_open"


class RateLimited(TransientError):
    """429 or its like."""

    code = "rate_limited"

    def __init__(self, upstream: str, message: str = "rate limited", *, retry_after: float | None = None) -> None:
        super().__init__(f"{upstream}: {message}", retry_after=retry_after)
        self.upstream = upstream


class StaleVersion(TransientError):
    """Somebody wrote between our read and our write, or a newer worker has taken over (fence)."""

    code = "stale_version"


class Locked(TransientError):
    """The record is held by another worker, or open at a desk.

    `maybe_applied`: our lock was lost while a write was on its way. Else nothing was sent, or nothing was done.
    """

    code = "locked"

    def __init__(self, message: str, *, maybe_applied: bool = False) -> None:
        super().__init__(message)
        self.maybe_applied = maybe_applied


class PermanentError(SyncError):
    """Trying again without a change somewhere gives the same answer."""

    code = "permanent"


class InvalidEvent(PermanentError):
    """A message that is not what its topic promises."""

    code = "invalid_event"


class MappingError(PermanentError):
    """A value that has no counterpart. `side` is `left` or `right`: the side that cannot hold it."""

    code = "mapping"

    def __init__(self, field: str, side: str, reason: str) -> None:
        super().__init__(f"{field}: {reason} ({side})")
        self.field = field
        self.side = side
        self.reason = reason


class RemoteRejected(PermanentError):
    """A 4xx. `field` is the field that the remote complained of, where it named one."""

    code = "remote_rejected"

    def __init__(self, upstream: str, status: int, reason: str, *, field: str | None = None) -> None:
        super().__init__(f"{upstream}: {status} {reason}" + (f" (field {field})" if field else ""))
        self.upstream = upstream
        self.status = status
        self.reason = reason
        self.field = field


class AuthenticationRefused(PermanentError):
    """401 for our own credentials. No call was or will be made until `retry_after` seconds have passed.

    Never the record's fault: whoever handles one may let it wait instead of calling it failed.
    """

    code = "authentication_refused"

    def __init__(self, upstream: str, *, retry_after: float) -> None:
        super().__init__(f"{upstream}: our credentials are refused")
        self.upstream = upstream
        self.retry_after = retry_after


class Ambiguous(PermanentError):
    """Several records claim to be the counterpart. `candidates` are their ids."""

    code = "ambiguous"

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(f"{message}: {', '.join(candidates)}")
        self.candidates = candidates


def was_refused(error: SyncError) -> bool:
    """True where the remote has not done what it was asked, and will not."""
    if isinstance(error, RemoteUnavailable | Locked):
        return not error.maybe_applied
    return isinstance(error, AuthenticationRefused | RateLimited | RemoteRejected)
