"""Answers that look right and are not, as the API may give them on a bad day: to try the product's brake. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
NUMBERS = ("betNr", "frNr", "kuerzel")
"""What a party, an appointment, an employee is told by."""
KEPT = (*NUMBERS, "id", "rowId")
DATES = ("geburtsdatum", "datum", "datumBis")
CHILDREN = ("adressen", "kommunikation", "bankverbindungen", "bankkverbindungen")

LIES = {
    "empty_list": "every list is empty, and so is the list with one record that a single read answers",
    "half_list": "every other record is missing from lists",
    "not_found": "every record, and the list, is a 404",
    "null_fields": "all fields but number and row id are null",
    "another_record": "the body of another record, with that one's number",
    "swapped_ids": "the body of another record under the number that was asked for",
    "equal_names": "all parties have the same name and first name, all appointments the same title",
    "zero_dates": "all birth dates, and all appointments, are on 0001-01-01",
    "wrong_entity": "the body of an appointment, and of a party where one was asked for",
    "truncated": "the JSON text ends in the middle",
    "html": "a page for people, with 200",
    "old_snapshot": "everything as it was when the lie began, row ids and times too",
}
HTML = "<!DOCTYPE html><html><body><h1>Wartungsarbeiten</h1></body></html>"


def shown_as(lie: str | None, row: Row, other: Row) -> Row:
    """What the API shows instead of `row`; `other` is some other record (or the same where there is but one)."""
    number = next((name for name in NUMBERS if name in row), "id")
    if lie == "null_fields":
        return {name: value if name in (*KEPT, *CHILDREN) else None for name, value in row.items()}
    if lie == "another_record":
        return other
    if lie == "swapped_ids":
        return {**other, number: row[number]}
    if lie == "equal_names":
        return {**row, **{name: "Unbekannt" for name in ("name", "vorname", "text") if name in row}}
    if lie == "zero_dates":
        return {**row, **{name: "0001-01-01T00:00:00" for name in DATES if row.get(name)}}
    if lie == "wrong_entity":
        return _of_another_kind(row[number], row)
    return row


def _of_another_kind(number: Any, row: Row) -> Row:
    if "frNr" in row:
        return {"betNr": number, "rowId": row["rowId"], "name": "Unbekannt", "vorname": "Unbekannt"}
    named = {"frNr": number, "text": "Besprechung", "datum": "2026-01-01T09:00:00"}
    return {**named, "rowId": row["rowId"]} if "rowId" in row else named


def list_as(lie: str | None, rows: Sequence[Row]) -> list[Row]:
    """The same for a list."""
    if lie == "empty_list":
        return []
    kept = rows[::2] if lie == "half_list" else rows
    return [shown_as(lie, row, kept[index - 1]) for index, row in enumerate(kept)]


def rows_as(lie: str | None, rows: Sequence[Row]) -> list[Row]:
    """The same for what belongs to one party."""
    if lie in ("null_fields", "half_list", "empty_list"):
        return list_as(lie, rows)
    return list(rows)
