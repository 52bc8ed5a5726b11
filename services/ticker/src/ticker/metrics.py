"""What the ticker counts."""

from __future__ import annotations

from collections import Counter as Counting
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from prometheus_client import Gauge

from kanzlei.topics import SOURCE_TOPICS, WEBHOOK_INGRESS_DLQ
from synckit.errors import (
    Ambiguous,
    Implausible,
    Locked,
    MappingError,
    PermanentError,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    TooSlow,
    TransientError,
)
from synckit.events import dead_letter_topic
from synckit.ports import BRAKED, WAITS_FOR_PARENT
from synckit.service.metrics import SLOW, counter, expected, gauge, histogram, of
from ticker.domain.census import STATES, Census
from ticker.domain.entities import WATCHED

OTHER = "other"
_ERRORS = (
    Ambiguous,
    Implausible,
    Locked,
    MappingError,
    PermanentError,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    TooSlow,
    TransientError,
)
PARKED_FOR = (*(error.code for error in _ERRORS), BRAKED, WAITS_FOR_PARENT, "note_owed", OTHER)
ENTITIES = tuple(watched.entity for watched in WATCHED)
LETTER_TOPICS = (*map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ)

TICKER_RUNS = counter("sync_ticker_runs_total", "Runs of a timer, by outcome.", "timer", "outcome")
TICKER_SECONDS = histogram("sync_ticker_seconds", "One run of a timer.", SLOW, "timer")
TICKER_EMITTED = counter("sync_ticker_emitted_total", "sync_check events, by why.", "entity", "reason")
TICKER_LAST_SUCCESS = gauge("sync_ticker_last_success_timestamp_seconds", "When a timer last succeeded.", "timer")
PRUNED = counter("sync_pruned_rows_total", "Rows of our memory removed because they had their time.", "table")
BRAKE_ENGAGED = gauge("sync_brake_engaged", "1 while a source is held: it wants to lose too much at once.", "source")
BRAKE_WAITING = gauge("sync_brake_waiting_records", "Records held because their source is not believed.", "source")
PARKED = gauge("sync_parked_records", "Records that wait for their next try.", "entity", "reason")
PARKED_OLDEST = gauge(
    "sync_parked_oldest_seconds", "Since the longest waiting parked record first failed; 0 where none waits.", "entity"
)
RECORDS = gauge("sync_records", "Records that our memory holds: linked, or a tombstone of one.", "entity", "state")
UNLOOKED = gauge("sync_unlooked_records", "Linked records that nobody looked at for TICKER_UNLOOKED_HOURS.", "entity")
NOTES_WAITING = gauge("sync_notes_waiting", "Notes for users that are written down and not posted yet.", "entity")
LETTERS_OPEN = gauge("sync_dead_letters_open", "Dead letters neither settled nor overtaken by a good look.", "topic")
CANARY_SECONDS = gauge("sync_canary_seconds", "What the last canary took, or how long it has been under way.")
CANARY_SUCCESS = gauge("sync_canary_last_success_timestamp_seconds", "When a canary last came back; 0 before that.")
CANARY_RUNS = counter("sync_canary_runs_total", "Canaries by outcome.", "outcome")
OVERDUE = gauge(
    "sync_consultations_overdue_seconds",
    "For how much of the office's hours the Erstgespräch that is due longest has waited; 0 where none does.",
)
expected(CANARY_RUNS, ("back", "late", "no_record", "failed"))
expected(PARKED, ENTITIES, PARKED_FOR)
expected(RECORDS, ENTITIES, STATES)
for _metric in (PARKED_OLDEST, UNLOOKED, NOTES_WAITING):
    expected(_metric, ENTITIES)
expected(LETTERS_OPEN, LETTER_TOPICS)
expected(TICKER_EMITTED, ENTITIES, ("waiting_state", "modified", "not_looked_at", "parked"))
for _source in ("espocrm", "advoware"):
    expected(BRAKE_ENGAGED, [_source])
    expected(BRAKE_WAITING, [_source])


def expect(timers: Iterable[str]) -> None:
    """What an alert looks at is there from the start."""
    expected(TICKER_RUNS, timers, ("done", "failed"))


def ticker_run(timer: str, outcome: str, seconds: float, at: float) -> None:
    """`at` is epoch seconds."""
    of(TICKER_RUNS, timer, outcome).inc()
    of(TICKER_SECONDS, timer).observe(seconds)
    if outcome == "done":
        of(TICKER_LAST_SUCCESS, timer).set(at)


def ticker_emitted(entity: str, reason: str, count: int) -> None:
    of(TICKER_EMITTED, entity, reason).inc(count)


def pruned(table: str, rows: int) -> None:
    of(PRUNED, table).inc(rows)


def brake(source: str, *, is_engaged: bool, waiting: int) -> None:
    """How a source stands, as our memory has it."""
    of(BRAKE_ENGAGED, source).set(is_engaged)
    of(BRAKE_WAITING, source).set(waiting)


def census(taken: Census) -> None:
    """Every label set is set each time, so that what is over is 0 again. Reasons that are no word of ours are one."""
    _all(PARKED, _by_known_reason(taken.parked), (ENTITIES, PARKED_FOR))
    _all(PARKED_OLDEST, {(entity,): seconds for entity, seconds in taken.waiting_seconds.items()}, (ENTITIES,))
    _all(RECORDS, taken.records, (ENTITIES, STATES))
    _all(UNLOOKED, {(entity,): count for entity, count in taken.unlooked.items()}, (ENTITIES,))
    _all(NOTES_WAITING, {(entity,): count for entity, count in taken.notes.items()}, (ENTITIES,))


def letters(opened: Mapping[str, int]) -> None:
    """Topic of dead letters → how many are open."""
    for topic in LETTER_TOPICS:
        of(LETTERS_OPEN, topic).set(opened.get(topic, 0))


def overdue(seconds: float) -> None:
    """Of Erstgespräche."""
    OVERDUE.set(seconds)


def canary_away(seconds: float) -> None:
    """So long it has been under way."""
    CANARY_SECONDS.set(seconds)


def canary_back(at: float) -> None:
    """`at` is epoch seconds."""
    CANARY_SUCCESS.set(at)


def canary_run(outcome: str) -> None:
    of(CANARY_RUNS, outcome).inc()


def _by_known_reason(parked: Mapping[tuple[str, str], int]) -> dict[tuple[str, ...], int]:
    found: Counting[tuple[str, ...]] = Counting()
    for (entity, reason), count in parked.items():
        found[entity, reason if reason in PARKED_FOR else OTHER] += count
    return found


def _all(metric: Gauge, values: Mapping[Any, float], labels: Sequence[Sequence[str]]) -> None:
    for each in product(*labels):
        of(metric, *each).set(values.get(each, 0))
