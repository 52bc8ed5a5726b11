"""Lists: filter, order, page, and the rows as lists show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.espocrm import access
from sandbox.espocrm.collation import fold, like
from sandbox.espocrm.errors import bad_request
from sandbox.espocrm.filters import FilterBuilder, Predicate
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.search import SearchParams
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.views import Views
from sandbox.espocrm.where import Checker

CONTAINS_MIN_LENGTH = 4
TEXT_LIMIT = 10000
ALWAYS = ("id", "createdById", "assignedUserId")


class Listing:
    """The read side for many records."""

    def __init__(self, views: Views, service: RecordService) -> None:
        self.views = views
        self.world = views.world
        self.service = service

    def find(
        self, user: User, entity: EntityDef, params: SearchParams, records: Iterable[Record] | None = None
    ) -> dict[str, Any]:
        """`{total, list}` of all records of a type, or of those given."""
        access.require(user, entity, "read")
        source = self.world.store.live(entity.name) if records is None else records
        hooks = self.service.hooks_of(entity)
        tests = self._tests(user, entity, params)
        if access.level(user, entity, "read") in ("own", "team"):
            tests.append(lambda record: access.may_record(user, entity, record, "read"))
        found = [each for each in source if all(test(each) for test in tests) and hooks.visible(user, each)]
        order_by, ordered = self._order(entity, params, found)
        page = ordered[params.offset : params.offset + params.max_size]
        rows = [self._row(user, entity, record, params, order_by) for record in page]
        return {"total": self._total(entity, params, len(found)), "list": rows}

    def _total(self, entity: EntityDef, params: SearchParams, count: int) -> int:
        if not params.no_total and not entity.flag("countDisabled"):
            return count
        return -1 if count > params.offset + params.max_size else -2

    def _tests(self, user: User, entity: EntityDef, params: SearchParams) -> list[Predicate]:
        checker = Checker(entity, self.world.store, access.hidden_attributes(user, entity))
        for item in params.where:
            checker.check(item)
        if params.primary_filter:
            raise bad_request(f"No primary filter '{params.primary_filter}' for '{entity.name}'.")
        builder = FilterBuilder(self.views, entity)
        tests = [builder.build(item) for item in params.where]
        tests += [self._bool_filter(user, entity, name) for name in params.bool_filters]
        if params.text:
            tests.append(self._text_filter(entity, params.text))
        return tests

    @staticmethod
    def _bool_filter(user: User, entity: EntityDef, name: str) -> Predicate:
        if name == "onlyMy":
            column = "assignedUserId" if "assignedUser" in entity.fields else "createdById"
            return lambda record: record.values.get(column) == user.id
        if name == "followed" and entity.flag("stream"):
            return lambda record: user.id in record.followers
        raise bad_request(f"No bool filter '{name}' for '{entity.name}'.")

    def _text_filter(self, entity: EntityDef, text: str) -> Predicate:
        plain = text.strip().replace("*", "%")
        pattern = plain if "%" in plain else f"{'%' if len(plain) >= CONTAINS_MIN_LENGTH else ''}{plain}%"
        names = [name for name in entity.flags.get("textFilterFields", ["name"]) if name in entity.attributes]
        return lambda record: any(like(self.views.value(entity, record, name), pattern) for name in names)

    def _order(self, entity: EntityDef, params: SearchParams, found: list[Record]) -> tuple[str, list[Record]]:
        order_by = params.order_by or str(entity.flags.get("orderBy") or "createdAt")
        descending = params.descending
        if descending is None:
            descending = params.order_by is None
        if entity.type_of(order_by) in ("link", "file"):
            attribute = f"{order_by}Name"
        elif entity.type_of(order_by) == "linkParent":
            attribute = f"{order_by}Type"
        else:
            attribute = order_by
        if attribute not in entity.attributes:
            raise bad_request(f"Order by non-existing field '{order_by}'.")
        key = self._sort_key(entity, attribute)
        return attribute, sorted(found, key=lambda record: (key(record), record.id), reverse=descending)

    def _sort_key(self, entity: EntityDef, attribute: str) -> Callable[[Record], tuple[int, Any]]:
        options = entity.fields.get(attribute, {}).get("options") if entity.type_of(attribute) == "enum" else None

        def key(record: Record) -> tuple[int, Any]:
            value = self.views.value(entity, record, attribute)
            if value is None:
                return (0, "")
            if options:
                return (1, options.index(value) + 1 if value in options else 0)
            return (1, fold(value) if isinstance(value, str) else value)

        return key

    def _row(
        self, user: User, entity: EntityDef, record: Record, params: SearchParams, order_by: str
    ) -> dict[str, Any]:
        select = None
        if params.select is not None:
            select = {*params.select, *ALWAYS, order_by}
            if entity.flag("stars"):
                select.add("isStarred")
            for key, more in entity.flags.get("listAlways", {}).items():
                select.update(more if key in params.select else [])
        row = self.service.cut(user, entity, self.views.row(entity, record, select))
        if select is not None:
            row = {key: value[:TEXT_LIMIT] if isinstance(value, str) else value for key, value in row.items()}
        return self.service.hooks_of(entity).shape_row(user, row)
