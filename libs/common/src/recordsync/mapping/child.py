"""A record that is a row of another one on the right, as addresses and accounts are rows of a party. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synckit import clamps

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChildOf:
    """What ties a row to its parent. Its right id is `<right id of the parent>/<number of the row>`.

    `entity`: the parent's. `attribute`: where the left record names its parent. `number`: the name under which a POST's
    body carries the parent's right id; the store takes it for the path. `inline`: where the parent's own payload
    shows its rows, in all spellings. `identity`: what tells a row apart, of a row and of a POST's body alike; "" where
    there is nothing. `identity_field`: the field that holds it, where both sides do. `stamp`: left id → what a POST
    carries besides the fields. `owner`: row → left id that it was made for, "" for one that a desk made. `imported`: a
    row that a desk made becomes a left record.
    """

    entity: str
    attribute: str
    number: str
    inline: tuple[str, ...]
    identity: Callable[[Payload], str]
    identity_field: str = ""
    stamp: Callable[[str], Mapping[str, Any]] = lambda _left_id: {}
    owner: Callable[[Payload], str] = lambda _row: ""
    imported: bool = False

    def right_id(self, parent_id: str, row: str) -> str:
        return f"{parent_id}/{row}"

    def parent_of(self, right_id: str) -> str:
        """The parent's part of a child's right id."""
        return right_id.partition("/")[0]

    def row_of(self, right_id: str) -> str:
        """The row's own part."""
        return right_id.partition("/")[2]

    def rows(self, payload: Payload, parent_id: str) -> dict[str, Payload]:
        """The rows that a parent's payload shows, by right id. What has no number or no row id is no row."""
        shown: list[Any] = next((payload[name] for name in self.inline if isinstance(payload.get(name), list)), [])
        rows = [(clamps.identity(row.get("id")), row) for row in shown if isinstance(row, dict)]
        whole = [(number, row) for number, row in rows if number and clamps.version(row.get("rowId"))]
        return {self.right_id(parent_id, number): row for number, row in whole}
