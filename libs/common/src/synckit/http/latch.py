"""After a remote has refused our credentials nothing is sent to it for a while."""

from __future__ import annotations

from synckit.errors import AuthenticationRefused
from synckit.http.wiring import Wiring


class Latch:
    """Shut for a while after a remote refused our credentials: nothing is sent, so that nothing locks us out."""

    def __init__(self, upstream: str, wiring: Wiring, *, cool_down: float) -> None:
        self._upstream = upstream
        self._monotonic = wiring.monotonic
        self._on_refused = wiring.on_refused
        self._cool_down = cool_down
        self._shut_until: float | None = None

    def check(self) -> None:
        """AuthenticationRefused while it is shut."""
        if self._shut_until is None:
            return
        left = self._shut_until - self._monotonic()
        if left > 0:
            raise AuthenticationRefused(self._upstream, retry_after=left)
        self._shut_until = None

    def shut(self, *, seconds: float | None = None) -> AuthenticationRefused:
        """Shuts it, tells the hook (the metric that alerts), and answers the error to raise."""
        delay = self._cool_down if seconds is None else seconds
        self._shut_until = self._monotonic() + delay
        self._on_refused(self._upstream)
        return AuthenticationRefused(self._upstream, retry_after=delay)
