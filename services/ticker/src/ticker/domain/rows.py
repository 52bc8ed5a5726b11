"""Rows of the two remotes' lists, as far as the ticker looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A row of EspoCRM's list: id, when it was modified (a second, UTC), and by whom."""

    id: str
    modified_at: datetime
    modified_by: str | None = None


@dataclass(frozen=True, slots=True)
class RightRow:
    """A row of Advoware's list: number and row id."""

    id: str
    version: str


@dataclass(frozen=True, slots=True)
class PartyRow:
    """A party in Advoware's list, with what belongs to it: noun → right id → row id.

    `lists`: `recordsync.mapping.rows.as_seen` of the rows that are synced along with the party.
    """

    id: str
    children: Mapping[str, Mapping[str, str]]
    lists: str | None = None
