"""Answers that look right and are not, as the API may give them on a bad day: to try the product's brake. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
KEPT = ("betNr", "id", "rowId")
CHILDREN = ("adressen", "kommunikation", "bankverbindungen", "bankkverbindungen")

LIES = {
    "empty_list": "every list is empty, and so is the list with one party that a single read answers",
    "half_list": "every other party is missing from lists",
    "not_found": "every party, and the list, is a 404",
    "null_fields": "all fields but number and row id are null",
    "another_record": "the body of another party, with that one's number",
    "swapped_ids": "the body of another party under the number that was asked for",
    "equal_names": "all parties have the same name and first name",
    "zero_dates": "all birth dates are 0001-01-01",
    "wrong_entity": "the body of an appointment",
    "truncated": "the JSON text ends in the middle",
    "html": "a page for people, with 200",
    "old_snapshot": "everything as it was when the lie began, row ids and times too",
}
HTML = "<!DOCTYPE html><html><body><h1>Wartungsarbeiten</h1></body></html>"


def shown_as(lie: str | None, row: Row, other: Row) -> Row:
    """What the API shows instead of `row`; `other` is some other party (or the same where there is but one)."""
    if lie == "null_fields":
        return {name: value if name in (*KEPT, *CHILDREN) else None for name, value in row.items()}
    if lie == "another_record":
        return other
    if lie == "swapped_ids":
        return {**other, "betNr": row["betNr"]}
    if lie == "equal_names":
        return {**row, "name": "Unbekannt", "vorname": "Unbekannt"}
    if lie == "zero_dates":
        return {**row, "geburtsdatum": "0001-01-01T00:00:00"}
    if lie == "wrong_entity":
        return {"frNr": row["betNr"], "rowId": row["rowId"], "text": "Besprechung", "datum": "2026-01-01T09:00:00"}
    return row


def list_as(lie: str | None, rows: Sequence[Row]) -> list[Row]:
    """The same for a page of the list."""
    if lie == "empty_list":
        return []
    kept = rows[::2] if lie == "half_list" else rows
    return [shown_as(lie, row, kept[index - 1]) for index, row in enumerate(kept)]


def rows_as(lie: str | None, rows: Sequence[Row]) -> list[Row]:
    """The same for what belongs to one party."""
    if lie in ("null_fields", "half_list", "empty_list"):
        return list_as(lie, rows)
    return list(rows)
