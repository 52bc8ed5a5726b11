"""The lists of a record: what they mean, and where their rows are written."""

from __future__ import annotations

from dataclasses import dataclass

from recordsync.lists import ListMapping, RowStore


@dataclass(frozen=True, slots=True)
class Companion:
    """`lists`: the pure part; `rows`: the port of the rows on the right."""

    lists: ListMapping
    rows: RowStore
