"""What the ticker counts."""

from __future__ import annotations

from collections.abc import Iterable

from synckit.service.metrics import SLOW, counter, expected, gauge, histogram, of

TICKER_RUNS = counter("sync_ticker_runs_total", "Runs of a timer, by outcome.", "timer", "outcome")
TICKER_SECONDS = histogram("sync_ticker_seconds", "One run of a timer.", SLOW, "timer")
TICKER_EMITTED = counter("sync_ticker_emitted_total", "sync_check events, by why.", "entity", "reason")
TICKER_LAST_SUCCESS = gauge("sync_ticker_last_success_timestamp_seconds", "When a timer last succeeded.", "timer")
PRUNED = counter("sync_pruned_rows_total", "Rows of our memory removed because they had their time.", "table")
BRAKE_ENGAGED = gauge("sync_brake_engaged", "1 while a source is held: it wants to lose too much at once.", "source")
BRAKE_WAITING = gauge("sync_brake_waiting_records", "Records held because their source is not believed.", "source")


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
