"""The worker's core, Faust-free: feed it deliveries, it calls the handler and acks in order."""

from __future__ import annotations

from synckit.handling import Attempt, Done, EventHandler, Outcome
from synckit.runtime.worker.delivery import Delivery, TopicPartition
from synckit.runtime.worker.executor import Drained, KeyedExecutor
from synckit.runtime.worker.limits import Limits
from synckit.runtime.worker.observer import Handled, NullObserver, WorkerObserver
from synckit.runtime.worker.ports import DeadLetterSink, LoopTimers, Timers
from synckit.runtime.worker.retry import RetryPolicy

__all__ = [
    "Attempt",
    "DeadLetterSink",
    "Delivery",
    "Done",
    "Drained",
    "EventHandler",
    "Handled",
    "KeyedExecutor",
    "Limits",
    "LoopTimers",
    "NullObserver",
    "Outcome",
    "RetryPolicy",
    "Timers",
    "TopicPartition",
    "WorkerObserver",
]
