"""The worker's core, Faust-free: feed it deliveries, it calls the handler and acks in order."""

from __future__ import annotations

from synckit.handling import Attempt, Done, EventHandler, Outcome
from synckit.worker.delivery import Delivery, TopicPartition
from synckit.worker.executor import Drained, KeyedExecutor
from synckit.worker.limits import Limits
from synckit.worker.observer import Handled, NullObserver, WorkerObserver
from synckit.worker.ports import DeadLetterSink, LoopTimers, Timers
from synckit.worker.retry import RetryPolicy

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
