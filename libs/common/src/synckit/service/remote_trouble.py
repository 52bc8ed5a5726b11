"""What a person is told of the remotes: credentials that they refuse, and rows of their lists that are none.

A line in the log for each, once and not at every call; a metric; and for credentials a reason not to be ready, which
goes by itself with the first call that is taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from synckit.errors import AuthenticationRefused
from synckit.service import remote_metrics
from synckit.service.server import Check, Probe

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 3600.0
"""What still stands is told again after so long."""
MOST_ROWS = 1000
"""Bad rows that are told apart; more are only counted."""


class Credentials:
    """Whether each remote takes our credentials, as its last answer said. Told by the HTTP clients' hooks.

    `hints`: upstream → one line for whoever reads the log. `checks`: name in `/health/ready` → upstreams that it
    stands for.
    """

    def __init__(
        self,
        hints: Mapping[str, str],
        checks: Mapping[str, tuple[str, ...]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hints = hints
        self._checks = checks
        self._monotonic = monotonic
        self._refused: dict[str, float] = {}

    def refused(self, upstream: str) -> None:
        """The `on_refused` of the clients."""
        remote_metrics.auth_refused(upstream)
        now, told_at = self._monotonic(), self._refused.get(upstream)
        if told_at is None or now - told_at >= AGAIN_SECONDS:
            self._refused[upstream] = now
            log.error("credentials_refused", upstream=upstream, hint=self._hints.get(upstream, "check its credentials"))

    def accepted(self, upstream: str) -> None:
        """The `on_accepted` of the clients: called at every success, so it is quick."""
        if self._refused.pop(upstream, None) is not None:
            remote_metrics.auth_accepted(upstream)
            log.info("credentials_accepted", upstream=upstream)

    def checks(self) -> tuple[Check, ...]:
        """For readiness."""
        return tuple(Check(name, self._probe(upstreams)) for name, upstreams in self._checks.items())

    def _probe(self, upstreams: tuple[str, ...]) -> Probe:
        async def probe() -> None:
            for upstream in upstreams:
                if upstream in self._refused:
                    raise AuthenticationRefused(upstream, retry_after=0.0)

        return probe


class BadRows:
    """Rows that were left out of a list: counted each time, told once an hour by list and id."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[tuple[str, str, str], float] = {}

    def skipped(self, upstream: str, kind: str, row: str) -> None:
        """The `on_bad_row` of the clients."""
        remote_metrics.bad_row(upstream)
        now, key = self._monotonic(), (upstream, kind, row)
        if now - self._told.get(key, now - AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        if len(self._told) >= MOST_ROWS:
            self._told = {known: at for known, at in self._told.items() if now - at < AGAIN_SECONDS}
        if len(self._told) < MOST_ROWS:
            self._told[key] = now
            log.warning("bad_row_skipped", upstream=upstream, kind=kind, row_id=row or None)
