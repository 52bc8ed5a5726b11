"""W3C trace context: read or make a `traceparent`, and bind it to the log lines of what is being done.

Source: W3C Trace Context §3.2. No spans are recorded; the ids tie logs and events of one change together.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from structlog.contextvars import bound_contextvars

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")

_source = random.Random(random.SystemRandom().getrandbits(128))


@dataclass(frozen=True, slots=True)
class Trace:
    """Where something comes from: the trace and the span that caused it."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def parse(traceparent: str | None) -> Trace | None:
    """None where it is missing or not to the letter: then a new trace begins."""
    found = _FORM.match(traceparent) if traceparent else None
    if found is None or (found[0].startswith("00-") and found[4]):
        return None
    trace_id, span_id, flags = found[1], found[2], found[3]
    if trace_id.strip("0") == "" or span_id.strip("0") == "":
        return None
    return Trace(trace_id, span_id, flags)


def new() -> Trace:
    """A trace that begins here."""
    return Trace(f"{_source.getrandbits(128) or 1:032x}", f"{_source.getrandbits(64) or 1:016x}")


def carried(traceparent: str | None) -> Trace:
    """The trace that came along, with a span of our own; a new one where none came."""
    parent = parse(traceparent)
    if parent is None:
        return new()
    return Trace(parent.trace_id, f"{_source.getrandbits(64) or 1:016x}", parent.flags)


@contextmanager
def bound(traceparent: str | None) -> Iterator[Trace]:
    """Log lines inside carry `trace_id`; outside nothing is left behind."""
    trace = carried(traceparent)
    with bound_contextvars(trace_id=trace.trace_id):
        yield trace
