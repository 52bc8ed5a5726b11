"""A circuit per remote: after many failures in a row nothing is sent for a while, then one probe at a time.

A remote in trouble is not made worse by us, and its trouble is no record's fault: whoever meets an open circuit waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synckit.errors import CircuitOpen

PROBE_UNDER_WAY = 1.0
"""Seconds that others wait while a probe is out."""


@dataclass(frozen=True, slots=True)
class CircuitLimits:
    """`failures` in a row on at least `paths` different paths open it: one sick record is no outage.

    The first pause is `pause` seconds, each failed probe doubles it up to `longest`.
    """

    failures: int = 8
    paths: int = 3
    pause: float = 2.0
    longest: float = 10.0


class Circuit:
    """Told of every call's end. `on_change` hears (upstream, is open)."""

    def __init__(
        self,
        upstream: str,
        monotonic: Callable[[], float],
        on_change: Callable[[str, bool], None] = lambda _upstream, _is_open: None,
        limits: CircuitLimits | None = None,
    ) -> None:
        self._upstream = upstream
        self._monotonic = monotonic
        self._on_change = on_change
        self._limits = limits or CircuitLimits()
        self._failed: list[str] = []
        self._until: float | None = None
        self._pause = self._limits.pause
        self._probing = False

    @property
    def is_open(self) -> bool:
        """No call goes through but a probe."""
        return self._until is not None

    def may_try(self) -> bool:
        """A call made now would be sent."""
        return self._until is None or (not self._probing and self._monotonic() >= self._until)

    def enter(self) -> bool:
        """True where this call is the probe. CircuitOpen where it may not be made at all."""
        if self._until is None:
            return False
        left = self._until - self._monotonic()
        if left > 0 or self._probing:
            raise CircuitOpen(self._upstream, "in trouble, not asked", retry_after=max(left, PROBE_UNDER_WAY))
        self._probing = True
        return True

    def leave(self, *, probe: bool) -> None:
        """The call is over, however it went."""
        if probe:
            self._probing = False

    def answered(self) -> None:
        """The remote is there."""
        self._failed.clear()
        if self._until is not None:
            self._until, self._pause = None, self._limits.pause
            self._on_change(self._upstream, False)

    def failed(self, path: str) -> None:
        """No answer, or none of the remote's own."""
        if self._until is not None:
            if self._probing:
                self._pause = min(2 * self._pause, self._limits.longest)
                self._until = self._monotonic() + self._pause
            return
        self._failed = [*self._failed, path][-self._limits.failures :]
        if len(self._failed) == self._limits.failures and len(set(self._failed)) >= self._limits.paths:
            self._open(self._pause)

    def asked_to_wait(self, seconds: float) -> None:
        """429: the remote itself says for how long, of all calls."""
        self._open(min(seconds, self._limits.longest))

    def _open(self, seconds: float) -> None:
        was_open = self._until is not None
        self._until = self._monotonic() + seconds
        if not was_open:
            self._on_change(self._upstream, True)
