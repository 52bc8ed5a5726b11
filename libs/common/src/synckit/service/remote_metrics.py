"""What a service counts of the remotes that it calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from synckit.service.metrics import FAST, counter, expected, gauge, histogram, of

API_CALLS = counter(
    "sync_api_calls_total",
    "Calls to a remote; code is a status, or a word where no answer came.",
    "upstream",
    "method",
    "code",
)
API_SECONDS = histogram("sync_api_call_seconds", "One call to a remote.", (*FAST, 20.0, 60.0), "upstream", "method")
AUTH_REFUSED = gauge(
    "sync_upstream_auth_refused", "1 while a remote refuses our credentials: a person must act.", "upstream"
)
CIRCUIT_OPEN = gauge(
    "sync_upstream_circuit_open", "1 while a remote as a whole is in trouble and only probes are sent.", "upstream"
)
CLOCK_SKEW = gauge(
    "sync_remote_clock_skew_seconds", "A remote's clock less the database's, as measured; ahead is positive.", "remote"
)
BAD_ROWS = counter(
    "sync_bad_rows_total", "Rows left out of a remote's list because they are none; the log has their ids.", "upstream"
)
TOKEN_EXPIRY = gauge(
    "sync_token_expiry_timestamp_seconds",
    "From when on this process wants another token; 0 while it has had none.",
    "upstream",
)


def expect(*upstreams: str) -> None:
    """Remotes that this process calls: what an alert looks at is there from the start."""
    for metric in (AUTH_REFUSED, CIRCUIT_OPEN, BAD_ROWS):
        expected(metric, upstreams)


@dataclass(slots=True)
class Calls:
    """Requests that were sent while it was counting."""

    count: int = 0


_COUNTING: ContextVar[Calls | None] = ContextVar("calls", default=None)


@contextmanager
def counting() -> Iterator[Calls]:
    """Counts the requests of this task and of those that it begins inside."""
    calls = Calls()
    before = _COUNTING.set(calls)
    try:
        yield calls
    finally:
        _COUNTING.reset(before)


def expect_tokens(*upstreams: str) -> None:
    """Remotes that this process fetches tokens of."""
    expected(TOKEN_EXPIRY, upstreams)


def api_call(upstream: str, method: str, code: str, seconds: float) -> None:
    """One call to a remote: its status, or a word where none came. The `on_call` of the HTTP clients."""
    of(API_CALLS, upstream, method, code).inc()
    of(API_SECONDS, upstream, method).observe(seconds)
    if (calls := _COUNTING.get()) is not None:
        calls.count += 1
    if code.startswith("2"):
        of(AUTH_REFUSED, upstream).set(0)


def auth_refused(upstream: str) -> None:
    """Good again with the next call that succeeds."""
    of(AUTH_REFUSED, upstream).set(1)


def auth_accepted(upstream: str) -> None:
    """Also where another replica fetched the token that is good again."""
    of(AUTH_REFUSED, upstream).set(0)


def token_expiry(upstream: str, at: datetime) -> None:
    """The `on_token` of what fetches tokens: until when one is used."""
    of(TOKEN_EXPIRY, upstream).set(at.timestamp())


def bad_row(upstream: str) -> None:
    """A row that was left out of a list."""
    of(BAD_ROWS, upstream).inc()


def circuit(upstream: str, is_open: bool) -> None:
    """The `on_circuit` of the HTTP clients."""
    of(CIRCUIT_OPEN, upstream).set(is_open)


def clock_skew(remote: str, seconds: float) -> None:
    """The `on_skew` of the remote clocks."""
    of(CLOCK_SKEW, remote).set(seconds)
