"""Search parameters of a list: from bracket form or from the JSON in `searchParams`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm.errors import bad_request, forbidden, server_error
from sandbox.espocrm.where import WhereItem, parse_items


@dataclass
class SearchParams:
    """What a list request asks for."""

    where: list[WhereItem] = field(default_factory=list)
    max_size: int = 200
    offset: int = 0
    order_by: str | None = None
    descending: bool | None = None
    select: set[str] | None = None
    text: str | None = None
    primary_filter: str | None = None
    bool_filters: list[str] = field(default_factory=list)
    no_total: bool = False


def _php_int(text: Any) -> int | None:
    if text is None or text == "":
        return None
    match = re.match(r"\s*[-+]?\d+", str(text))
    return int(match.group(0)) if match else 0


def _from_brackets(query: dict[str, Any]) -> dict[str, Any]:
    raw: dict[str, Any] = {
        key: query[key] for key in ("orderBy", "order", "q", "textFilter", "primaryFilter") if query.get(key)
    }
    raw["maxSize"], raw["offset"] = _php_int(query.get("maxSize")), _php_int(query.get("offset"))
    where = query.get("where") or query.get("whereGroup")
    if isinstance(where, list | dict):
        raw["where"] = where
    if query.get("boolFilterList"):
        raw["boolFilterList"] = query["boolFilterList"]
    select = query.get("attributeSelect") or query.get("select")
    if isinstance(select, str):
        raw["select"] = select.split(",")
    return raw


def _from_json(text: Any) -> dict[str, Any]:
    try:
        raw = json.loads(str(text))
    except ValueError as error:
        raise bad_request("Invalid search params JSON.") from error
    if not isinstance(raw, dict):
        raise bad_request("Invalid search params JSON.")
    if raw.get("maxSize") is not None and (not isinstance(raw["maxSize"], int) or isinstance(raw["maxSize"], bool)):
        raise bad_request("maxSize must be integer.")
    if raw.get("select") is not None and not isinstance(raw["select"], list):
        raise bad_request("select should be array.")
    if raw.get("where") is not None and not isinstance(raw["where"], list | dict):
        raise bad_request("where should be array.")
    return raw


def _descending(order: Any) -> bool | None:
    if not order:
        return None
    if not isinstance(order, str):
        raise bad_request("order should be string.")
    if order.upper() not in ("ASC", "DESC"):
        raise bad_request("order value is bad.")
    return order.upper() == "DESC"


def fetch(query: dict[str, Any], limit: int, *, no_total: bool) -> SearchParams:
    """Read and check what does not depend on the entity."""
    raw = _from_json(query["searchParams"]) if query.get("searchParams") else _from_brackets(query)
    max_size = raw.get("maxSize")
    if max_size is not None and max_size > limit:
        raise forbidden(f"Max size should not exceed {limit}. Use offset and limit.")
    bool_filters = raw.get("boolFilterList") or []
    if not isinstance(bool_filters, list):
        raise bad_request("boolFilterList should be array.")
    params = SearchParams(
        max_size=limit if max_size is None else max_size,
        offset=raw.get("offset") or 0,
        order_by=raw.get("orderBy"),
        descending=_descending(raw.get("order")),
        select=set(raw["select"]) if raw.get("select") else None,
        text=raw.get("textFilter") or raw.get("q"),
        primary_filter=raw.get("primaryFilter"),
        bool_filters=[str(each) for each in bool_filters],
        no_total=no_total or bool(raw.get("q")),
    )
    params.where = parse_items(_legacy(raw.get("where"), params))
    if params.max_size < 0 or params.offset < 0:
        raise server_error()
    return params


def _legacy(where: Any, params: SearchParams) -> Any:
    """Items of type bool, textFilter and primary are not conditions but parameters."""
    if not where:
        return []
    kept = []
    for item in where if isinstance(where, list) else list(where.values()):
        kind, value = (item.get("type"), item.get("value")) if isinstance(item, dict) else (None, None)
        if kind == "bool" and isinstance(value, list) and value:
            params.bool_filters = [str(each) for each in value]
        elif kind == "textFilter" and value:
            params.text = str(value)
        elif kind == "primary" and value:
            params.primary_filter = str(value)
        else:
            kept.append(item)
    return kept
