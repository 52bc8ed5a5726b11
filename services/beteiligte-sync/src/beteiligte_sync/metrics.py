"""What beteiligte-sync counts of its looks."""

from __future__ import annotations

from collections.abc import Sequence

from synckit.service.metrics import counter, expected, of

CONFLICTS = counter("sync_conflicts_total", "Fields that both sides had changed.", "entity")
NOTICES = counter("sync_notices_total", "Notices sent to users.", "entity")
WRITES = counter("sync_writes_total", "Writes to a remote, by the side that was written.", "entity", "direction")
REFUSED = counter(
    "sync_refused_calls_total",
    "Calls that a remote refused while a record was synced; code is the status, or `other`.",
    "entity",
    "upstream",
    "code",
)
UNDELIVERABLE = counter(
    "sync_notes_undeliverable_total",
    "Looks with notes that nobody could be given: neither the user nor the record's stream takes them.",
    "entity",
)
BRAKED = counter(
    "sync_brake_held_total",
    "Looks held because of their source: its answer was doubted, or its sweep is held.",
    "entity",
    "source",
    "reason",
)
REMOTES = ("espocrm", "advoware")
STATUSES = ("400", "403", "404", "405", "409", "410", "413", "415", "422")
OTHER = "other"


def expect(entities: Sequence[str], written_left: str = "") -> None:
    """What an alert looks at is there from the start. `written_left`: a noun that is in EspoCRM alone."""
    for metric in (CONFLICTS, NOTICES, UNDELIVERABLE):
        expected(metric, entities)
    expected(WRITES, entities, ("to_left", "to_right"))
    if written_left:
        expected(WRITES, [written_left], ["to_left"])
    expected(REFUSED, entities, REMOTES, (*STATUSES, OTHER))
    expected(BRAKED, entities, REMOTES, ("doubt", "sweep"))


def conflicts(entity: str, count: int) -> None:
    of(CONFLICTS, entity).inc(count)


def synced(entity: str, left_writes: int, right_writes: int, notices: int) -> None:
    """What one look wrote, and how many notes it sent."""
    of(WRITES, entity, "to_left").inc(left_writes)
    of(WRITES, entity, "to_right").inc(right_writes)
    of(NOTICES, entity).inc(notices)


def wrote_left(entity: str) -> None:
    """A write of a noun that is in EspoCRM alone."""
    of(WRITES, entity, "to_left").inc()


def refused(entity: str, upstream: str, status: int) -> None:
    """A call that a remote refused."""
    code = str(status)
    of(REFUSED, entity, upstream, code if code in STATUSES else OTHER).inc()


def undeliverable(entity: str) -> None:
    """A look with notes that could be posted nowhere. They are tried again a day later."""
    of(UNDELIVERABLE, entity).inc()


def braked(entity: str, source: str, reason: str) -> None:
    """A look that the brake for sweeps held."""
    of(BRAKED, entity, source, reason).inc()
