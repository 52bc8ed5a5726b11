"""The worker's numbers, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from synckit.worker.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_in_flight` runs at once; `max_buffered` runs taken and not done, beyond which the intake waits.

    What is merged counts as one run. `max_taken` records taken and not acked bound the memory: those merged, and those
    done behind one that is not. `coalesce` merges waiting records of one key: right for handlers that read the current
    state. `attempt_seconds` breaks a hanging try off. After `fuse_after` bugs on different keys, with nothing that
    succeeds in between, records are tried one at a time, and after `fuse_probes` more bugs the worker stops; a bug that
    is held is tried again after `held_seconds`, then after twice as long, …
    """

    max_in_flight: int = 32
    max_buffered: int = 2000
    max_taken: int = 20_000
    coalesce: bool = True
    attempt_seconds: float = 180.0
    fuse_after: int = 5
    fuse_probes: int = 0
    held_seconds: float = 60.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
