"""Where items: their syntax, and the checks that EspoCRM makes before it builds a query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.espocrm.errors import SlimError, bad_request, server_error
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Store

NESTING = ("and", "or")
SUB_QUERIES = ("subQueryIn", "subQueryNotIn", "not")
LINK_TYPES = (
    "inCategory",
    "isLinked",
    "isNotLinked",
    "linkedWith",
    "notLinkedWith",
    "linkedWithAll",
    "isUserFromTeams",
)
KEYS = {"type", "attribute", "field", "value", "dateTime", "date", "timeZone", "data"}


@dataclass(frozen=True)
class WhereItem:
    """One condition."""

    type: str
    attribute: str | None
    value: Any
    date_time: bool = False
    time_zone: str | None = None
    items: tuple[WhereItem, ...] = ()


def parse_items(raw: Any) -> list[WhereItem]:
    """The items of a list; one that is no array is a PHP type error."""
    return [parse_item(each) for each in raw]


def parse_item(raw: Any) -> WhereItem:
    """One item; raises what a malformed one gives: 500."""
    if not isinstance(raw, dict):
        raise SlimError(500, "Slim Application Error")
    kind = raw.get("type")
    attribute = raw.get("attribute") or raw.get("field")
    if not kind or not isinstance(kind, str) or set(raw) - KEYS:
        raise server_error()
    if not attribute and kind not in (*NESTING, *SUB_QUERIES):
        raise server_error()
    value = raw.get("value")
    items: tuple[WhereItem, ...] = ()
    if kind in NESTING:
        if value is not None and not isinstance(value, list):
            raise server_error()
        items = tuple(parse_items(value or []))
    return WhereItem(kind, attribute, value, _truthy(raw.get("dateTime")), raw.get("timeZone"), items)


def _truthy(value: Any) -> bool:
    return value not in (None, "", "0", 0, False)


class Checker:
    """Refuses what a client may not ask; access problems inside a where are 400 as well."""

    def __init__(self, entity: EntityDef, store: Store, hidden: set[str]) -> None:
        self.entity = entity
        self.store = store
        self.hidden = hidden

    def check(self, item: WhereItem) -> None:
        """Raise 400 for a forbidden or unknown thing."""
        if item.type in SUB_QUERIES:
            raise bad_request("Sub-queries are forbidden in where.")
        if item.attribute:
            self._check_attribute(item, str(item.attribute))
        for each in item.items:
            self.check(each)

    def _check_attribute(self, item: WhereItem, attribute: str) -> None:
        if re.search(r"[:.()]", attribute):
            raise bad_request("Complex expressions are forbidden in where.")
        if item.type in LINK_TYPES:
            self._check_link(item, attribute)
        elif attribute not in self.entity.attributes:
            raise bad_request(f"Not existing attribute '{attribute}' in where.")
        elif attribute in self.hidden:
            raise bad_request(f"Forbidden attribute '{attribute}' in where.")

    def _check_link(self, item: WhereItem, link: str) -> None:
        if link not in self.entity.links:
            raise bad_request(f"Not existing relation '{link}' in where.")
        foreign = self.entity.links[link].get("entity")
        if item.type not in ("linkedWith", "notLinkedWith", "linkedWithAll") or not foreign:
            return
        for each in item.value if isinstance(item.value, list) else [item.value]:
            if each is not None and self.store.find(str(foreign), str(each)) is None:
                raise bad_request(f"Record '{foreign}' `{each}` not found.")
