"""What the worker tells whoever counts. `runtime.metrics` implements it; the worker itself knows no metrics."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Handled(NamedTuple):
    """One finished run. `outcome`: the handler's result, or `parked`, `refused`, `dead_letter`.

    `reason` is the error's code where there was one, `seconds` the time from the first start to now,
    `waited` from the newest record's time stamp to the first start, `coalesced` how many records went in (≥ 1).
    """

    topic: str
    entity: str
    action: str
    outcome: str
    reason: str
    seconds: float
    waited: float
    attempts: int
    coalesced: int


class WorkerObserver(Protocol):
    """Called on the event loop, often: must be quick and must not raise."""

    def handled(self, run: Handled) -> None: ...

    def retried(self, topic: str, reason: str) -> None:
        """A try failed and another one follows in place."""

    def dead_lettered(self, topic: str, reason: str) -> None:
        """`reason` is an error code, or `bug`."""

    def skipped(self, topic: str) -> None:
        """Delivered again after a rebalance, and already done by this process."""

    def load(self, buffered: int, running: int, taken: int) -> None:
        """After every change: runs taken and not done, runs in flight, records taken and not acked."""

    def holding(self, keys: int) -> None:
        """After every change: keys held because of a bug."""


class NullObserver:
    """Counts nothing."""

    def handled(self, run: Handled) -> None: ...

    def retried(self, topic: str, reason: str) -> None: ...

    def dead_lettered(self, topic: str, reason: str) -> None: ...

    def skipped(self, topic: str) -> None: ...

    def load(self, buffered: int, running: int, taken: int) -> None: ...

    def holding(self, keys: int) -> None: ...
