"""A log line of a fixed form, for tests of what prints such lines."""

from __future__ import annotations

from typing import ClassVar

from synckit.log.checked_text import Ident, Word, ident, word
from synckit.log.known_lines import KnownLine


class ExampleLine(KnownLine, kw_only=True, gc=False):
    """One of each kind of field."""

    told: ClassVar[str] = "told"
    entity: Word
    trace_id: Ident
    count: int
    seconds: float


def example_line(count: int, *, entity: str = "beteiligte", trace_id: str = "a1" * 16) -> ExampleLine:
    """A line as a service would make it."""
    return ExampleLine(entity=word(entity), trace_id=ident(trace_id), count=count, seconds=0.25)
