"""What calendar-sync counts. Labels are words of ours; all of them are there with 0 from the start."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from calendar_sync.domain.plan_value import Action
from synckit.service.metrics import REGISTRY

RUN_STATES = ("done", "skipped", "failed", "waiting")
WAYS = ("user", "notify_user", "log")
FINDINGS = (
    "orphan",
    "duplicate",
    "dead_pair",
    "lost_acl",
    "wrong_owner",
    "calendar_without_employee",
    "lost_calendar",
    "renamed",
)

RUNS = Counter("sync_calendar_runs_total", "Runs of employees, by what came of them.", ["outcome"], registry=REGISTRY)
SECONDS = Histogram(
    "sync_calendar_run_seconds",
    "One run of one employee.",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0),
    registry=REGISTRY,
)
DONE = Counter("sync_calendar_steps_total", "What runs did, by its word in the report.", ["kind"], registry=REGISTRY)
NOTICES = Counter("sync_calendar_notices_total", "Notices to people, by the way they went.", ["way"], registry=REGISTRY)
QUARANTINED = Gauge("sync_calendar_quarantined", "Lists that wait for a person's decision.", registry=REGISTRY)
OLDEST = Gauge("sync_calendar_oldest_run_seconds", "Since the employee longest not synced was.", registry=REGISTRY)
TO_DO = Gauge("sync_calendar_unsaved_employees", "Employees whose last run left something to do.", registry=REGISTRY)
CHANNELS = Gauge("sync_calendar_channels", "Push channels that are open.", registry=REGISTRY)
AUDIT = Gauge("sync_calendar_audit_findings", "Findings of the last nightly audit.", ["kind"], registry=REGISTRY)
BLOCKED = Counter("sync_calendar_blocks_total", "Times that Google said quotaExceeded to a write.", registry=REGISTRY)

for _state in RUN_STATES:
    RUNS.labels(_state)
for _way in WAYS:
    NOTICES.labels(_way)
for _action in Action:
    if _action is not Action.REMEMBER:
        DONE.labels(_action.value)
for _kind in FINDINGS:
    AUDIT.labels(_kind)


def run(outcome: str, counts: Mapping[str, int], seconds: float) -> None:
    """One run is over."""
    RUNS.labels(outcome if outcome in RUN_STATES else "failed").inc()
    if seconds:
        SECONDS.observe(seconds)
    for kind, count in counts.items():
        if count > 0:
            DONE.labels(kind).inc(count)


def notice(way: str) -> None:
    NOTICES.labels(way).inc()


def audited(found: Mapping[str, int]) -> None:
    """Replaces what the audit before has shown."""
    for kind in FINDINGS:
        AUDIT.labels(kind).set(found.get(kind, 0))
