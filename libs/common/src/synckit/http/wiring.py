"""What an HTTP client is given from outside: limits, hooks, its name, what is known of the remote's clock."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from synckit.buckets import Buckets, Charge, in_turn
from synckit.http.circuit import CircuitLimits
from synckit.http.patience import Waits
from synckit.http.remote_clocks import RemoteClocks

OnCall = Callable[[str, str, str, float], None]
"""(upstream, method, status or word for a failure, seconds): one for every request that was sent."""
OnBadRow = Callable[[str, str, str], None]
"""(upstream, list, id of the row where it has one): a row that can't be one was left out of a list."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Seconds, but for `concurrency` and the answer's bytes.

    `total` begins when the request is sent, `queue` is the wait before that. `whole` is a call with all that belongs
    to it (a token first, a repetition): afterwards nothing of it can still arrive. `read` is the longest silence, and
    for a streamed call the wait between two chunks either way; `first_byte` there the wait from the end of the request
    to the answer's beginning, as long as `read` where it is None, else no shorter. `total` is not for streamed calls.
    """

    total: float = 10.0
    connect: float = 3.0
    read: float = 8.0
    queue: float = 10.0
    whole: float = 20.0
    concurrency: int = 8
    largest_answer: int = 32 * 1024 * 1024
    first_byte: float | None = None

    @property
    def waits(self) -> Waits:
        """Those of a streamed call."""
        return Waits(self.connect, self.read if self.first_byte is None else self.first_byte, self.read, self.whole)


@dataclass(frozen=True, slots=True)
class Quota:
    """What the calls of one remote pay, all replicas together. `price` (method, path): its charges, none where free.

    A call that would have to wait for more than `within` seconds is not made.
    """

    buckets: Buckets
    price: Callable[[str, str], Sequence[Charge]]
    sleep: Callable[[float], Awaitable[None]]
    within: float = 10.0

    async def pay(self, method: str, path: str) -> None:
        """Returns when the call may be made. RateLimited with the wait where that is too long."""
        if charges := self.price(method, path):
            await in_turn(self.buckets, charges, self.sleep, within=self.within)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a client is given from outside. Without a session it opens its own at the first call.

    `on_refused` gets the upstream that refuses our credentials, `on_left_alone` the one that refused them to another
    replica, `on_accepted` the one that takes them; `on_token` (upstream, until when a token of it is used);
    `on_circuit` (upstream, is open). `agent` is our name to the remote, `clocks` what is known of its time. `quota` is
    what they pay before they are made.
    """

    session: aiohttp.ClientSession | None = None
    limits: HttpLimits = HttpLimits()
    on_call: OnCall = lambda *_: None
    on_refused: Callable[[str], None] = lambda _: None
    on_left_alone: Callable[[str], None] = lambda _: None
    on_accepted: Callable[[str], None] = lambda _: None
    on_token: Callable[[str, datetime], None] = lambda _upstream, _until: None
    on_bad_row: OnBadRow = lambda *_: None
    monotonic: Callable[[], float] = time.monotonic
    agent: str = "synckit"
    circuit: CircuitLimits | None = None
    on_circuit: Callable[[str, bool], None] = lambda _upstream, _is_open: None
    clocks: RemoteClocks = field(default_factory=RemoteClocks)
    quota: Quota | None = None
