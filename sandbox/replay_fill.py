"""Rows that a recorded list counts but does not show: made up for one exchange, so that its total can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.espocrm import query as php_query
from sandbox.replay_compare import Ids
from sandbox.replay_recording import Exchange, parse
from sandbox.replay_wire import Reply, Wire

MORE = -1
NO_MORE = -2

_VALUES: dict[str, Callable[[Any], Any]] = {
    "equals": lambda value: value[0] if isinstance(value, list) and value else value,
    "on": lambda value: value,
    "in": lambda value: value[0] if value else None,
    "startsWith": lambda value: f"{value}x",
    "endsWith": lambda value: f"x{value}",
    "contains": lambda value: value,
    "like": lambda value: str(value).replace("%", "").replace("_", "x"),
    "greaterThan": lambda value: _shift(value, 1),
    "lessThan": lambda value: _shift(value, -1),
    "greaterThanOrEquals": lambda value: value,
    "lessThanOrEquals": lambda value: value,
    "isTrue": lambda _: True,
    "isFalse": lambda _: False,
    "isNull": lambda _: None,
    "arrayAnyOf": lambda value: value if isinstance(value, list) else [value],
}


def _shift(value: Any, by: int) -> Any:
    return int(value) + by if re.fullmatch(r"-?\d+", str(value)) else value


def _search(exchange: Exchange) -> dict[str, Any]:
    parsed = php_query.parse(exchange.query)
    as_json = parse(str(parsed.get("searchParams", "")))
    return as_json if isinstance(as_json, dict) else parsed


def invented(exchange: Exchange) -> dict[str, Any]:
    """Keys of a record that meets the plain conditions of a list request."""
    search = _search(exchange)
    items = search.get("where") or search.get("whereGroup") or []
    found: dict[str, Any] = {}
    for item in items if isinstance(items, list) else []:
        kind = str(item.get("type")) if isinstance(item, dict) else ""
        key = item.get("attribute") or item.get("field") if isinstance(item, dict) else None
        if kind in _VALUES and isinstance(key, str):
            found[key] = _typed(_VALUES[kind](item.get("value")))
    text = search.get("textFilter") or search.get("q")
    if text:
        found["lastName"] = str(text)
    return found


def _typed(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value) else value


class Filler:
    """Adds the rows that are missing before and behind the page that the recording shows."""

    def __init__(self, wire: Wire, ids: Ids, clock: str) -> None:
        self.wire, self.ids, self.clock = wire, ids, clock

    def fill(self, entity: str, exchange: Exchange, headers: dict[str, str], reply: Reply) -> bool:
        """False where no row is missing."""
        recorded, actual = exchange.answer, parse(reply.text)
        missing = _missing(recorded, actual)
        if missing <= 0:
            return False
        rows = [self.ids.translate(str(row["id"])) for row in recorded["list"]]
        listed = self._everything(exchange, headers)
        search = _search(exchange)
        in_front = 0
        if rows:
            position = listed.index(rows[0]) if rows[0] in listed else 0
            in_front = max(0, min(int(search.get("offset") or 0) - position, missing))
        ascending = str(search.get("order") or ("asc" if search.get("orderBy") else "desc")).lower() == "asc"
        shown = rows or listed
        self._clone(entity, shown[0] if shown else None, in_front, exchange, low=ascending)
        self._clone(entity, shown[-1] if shown else None, missing - in_front, exchange, low=not ascending)
        return True

    def _everything(self, exchange: Exchange, headers: dict[str, str]) -> list[str]:
        query = re.sub(r"(^|&)(maxSize|offset)=[^&]*", "", exchange.query).lstrip("&")
        path = exchange.path.split("?", 1)[0]
        reply = self.wire.send("GET", self.ids.translate(f"{path}?{query}&maxSize=200"), headers, None)
        answer = parse(reply.text)
        rows = answer.get("list", []) if isinstance(answer, dict) else []
        return [str(row["id"]) for row in rows]

    def _clone(self, entity: str, model_id: str | None, count: int, exchange: Exchange, *, low: bool) -> None:
        if count <= 0:
            return
        state = self.wire.control("GET", f"state?entity={entity}")
        model = next((row for row in state[entity] if row["id"] == model_id), None)
        if model is None:
            model = {"createdAt": self.clock, "modifiedAt": self.clock, "lastName": "x", **invented(exchange)}
        stem = "00000000" if low else "ffffffff"
        clones = [{**model, "id": f"{stem}{number:09x}"} for number in range(count)]
        self.wire.control("POST", "state", {entity: clones})


def _missing(recorded: Any, actual: Any) -> int:
    """How many rows the sandbox lacks, as far as the two totals tell."""
    if not isinstance(recorded, dict) or not isinstance(actual, dict) or not isinstance(recorded.get("list"), list):
        return 0
    total, have = recorded.get("total"), actual.get("total")
    if not isinstance(total, int) or not isinstance(have, int):
        return 0
    if total < 0:
        return 1 if (total, have) == (MORE, NO_MORE) else 0
    return total - have
