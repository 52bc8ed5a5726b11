"""The worker's numbers, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from synckit.runtime.worker.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_in_flight` runs at once; `max_buffered` records taken and not done, beyond which the intake waits.

    `coalesce` merges waiting records of one key: right for handlers that read the current state.
    `attempt_seconds` breaks a hanging try off. `fuse_after` bugs in a row on different keys stop the worker.
    """

    max_in_flight: int = 32
    max_buffered: int = 2000
    coalesce: bool = True
    attempt_seconds: float = 180.0
    fuse_after: int = 5
    retry: RetryPolicy = field(default_factory=RetryPolicy)
