"""Where items as predicates over stored records, with the database's idea of equality."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.espocrm import dates
from sandbox.espocrm.collation import as_number, as_text, fold, like
from sandbox.espocrm.errors import bad_request
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record
from sandbox.espocrm.views import Views
from sandbox.espocrm.where import WhereItem

Predicate = Callable[[Record], bool]
Getter = Callable[[Record], list[Any]]

NUMERIC = ("int", "float", "currency", "bool")
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)Z?)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


def _never(_: Record) -> bool:
    return False


def _always(_: Record) -> bool:
    return True


class FilterBuilder:
    """Builds predicates for one entity type."""

    def __init__(self, views: Views, entity: EntityDef) -> None:
        self.views = views
        self.world = views.world
        self.entity = entity

    def build(self, item: WhereItem) -> Predicate:
        """The predicate of one item; raises 400 for an unknown type."""
        if item.date_time:
            tz = dates.zone(item.time_zone, self.world.settings.time_zone)
            kind, value = dates.DateTimeTransformer(item, tz, self.world.clock.now()).transform()
            return self._comparison(kind, str(item.attribute), value)
        if item.type in ("and", "or"):
            parts = [self.build(each) for each in item.items]
            combine = all if item.type == "and" else any
            return (lambda record: combine(part(record) for part in parts)) if parts else _always
        if item.type in dates.RELATIVE:
            now = self.world.clock.now().astimezone(dates.zone(item.time_zone, self.world.settings.time_zone))
            kind, value = dates.relative_date(item.type, item.value, now)
            return self._comparison(kind, str(item.attribute), value)
        return self._typed(item)

    def _typed(self, item: WhereItem) -> Predicate:
        attribute, value = str(item.attribute), item.value
        if item.type.startswith("array"):
            return self._array(item.type, attribute, value)
        if item.type in ("isLinked", "isNotLinked", "linkedWith", "notLinkedWith", "linkedWithAll"):
            return self._link(item.type, attribute, value)
        if item.type.startswith("column"):
            raise bad_request("Bad where item 'column'.")
        if item.type in ("in", "notIn") and not isinstance(value, list):
            raise bad_request(f"Bad where item '{item.type}'.")
        if item.type == "between" and (not isinstance(value, list) or len(value) < 2):
            raise bad_request("Bad where item 'between'.")
        return self._comparison(item.type, attribute, value)

    def _comparison(self, kind: str, attribute: str, value: Any) -> Predicate:
        getter = self._getter(attribute)
        equal, less = self._equal(attribute), self._less(attribute)
        anywhere = _some(getter)
        known: dict[str, Callable[[], Predicate]] = {
            "equals": lambda: self._equals(getter, equal, value),
            "on": lambda: self._equals(getter, equal, value),
            "in": lambda: self._equals(getter, equal, value),
            "notEquals": lambda: self._not_equals(getter, equal, value),
            "notOn": lambda: self._not_equals(getter, equal, value),
            "notIn": lambda: self._not_equals(getter, equal, value),
            "isNull": lambda: lambda record: not _known(getter(record)),
            "isNotNull": lambda: lambda record: bool(_known(getter(record))),
            "ever": lambda: lambda record: bool(_known(getter(record))),
            "isTrue": lambda: anywhere(lambda have: have is True or have == 1),
            "isFalse": lambda: anywhere(lambda have: have is False or have == 0),
            "any": lambda: _always,
            "none": lambda: _never,
            "like": lambda: anywhere(lambda have: like(have, value)),
            "startsWith": lambda: anywhere(lambda have: like(have, f"{as_text(value)}%")),
            "endsWith": lambda: anywhere(lambda have: like(have, f"%{as_text(value)}")),
            "contains": lambda: anywhere(lambda have: like(have, f"%{as_text(value)}%")),
            "notLike": lambda: _all_known(getter, lambda have: not like(have, value)),
            "notContains": lambda: _all_known(getter, lambda have: not like(have, f"%{as_text(value)}%")),
            "greaterThan": lambda: anywhere(lambda have: less(value, have)),
            "after": lambda: anywhere(lambda have: less(value, have)),
            "lessThan": lambda: anywhere(lambda have: less(have, value)),
            "before": lambda: anywhere(lambda have: less(have, value)),
            "greaterThanOrEquals": lambda: anywhere(lambda have: not less(have, value)),
            "lessThanOrEquals": lambda: anywhere(lambda have: not less(value, have)),
            "between": lambda: anywhere(lambda have: not less(have, value[0]) and not less(value[1], have)),
        }
        if kind not in known:
            raise bad_request(f"Unknown where item type '{kind}'.")
        return known[kind]()

    def _getter(self, attribute: str) -> Getter:
        """All values that count for an attribute: every e-mail or phone of the record, all parts of a name."""
        spec = self.entity.attributes[attribute]
        store = self.world.store
        if spec.kind == "email_primary":
            return lambda record: [store.emails[key].name for key, _ in record.emails]
        if spec.kind == "phone_primary":
            return lambda record: [store.phones[key].name for key, _ in record.phones]
        if spec.kind == "person_name":
            return self._names
        return lambda record: [self.views.value(self.entity, record, attribute)]

    def _names(self, record: Record) -> list[Any]:
        first, last = record.values.get("firstName"), record.values.get("lastName")
        both = [f"{first} {last}", f"{last} {first}"] if first and last else []
        return [each for each in (first, last, *both) if each]

    def _kind(self, attribute: str) -> str:
        spec = self.entity.attributes[attribute]
        if spec.kind == "deleted":
            return "bool"
        known = {"streamUpdatedAt": "datetime", "versionNumber": "int"}
        kind = self.entity.type_of(spec.field) or known.get(attribute, "varchar")
        return "varchar" if kind == "currency" and attribute != spec.field else kind

    def _equal(self, attribute: str) -> Callable[[Any, Any], bool]:
        kind = self._kind(attribute)
        if kind in NUMERIC:
            return lambda have, want: as_number(have) == as_number(want)
        if kind in ("datetime", "datetimeOptional"):
            return lambda have, want: _moment(have) == _moment(want)
        return lambda have, want: fold(as_text(have)) == fold(as_text(want))

    def _less(self, attribute: str) -> Callable[[Any, Any], bool]:
        kind = self._kind(attribute)
        if kind in NUMERIC:
            return lambda one, other: as_number(one) < as_number(other)
        if kind in ("datetime", "datetimeOptional"):
            return lambda one, other: _moment(one) < _moment(other)
        return lambda one, other: fold(as_text(one)) < fold(as_text(other))

    @staticmethod
    def _equals(getter: Getter, equal: Callable[[Any, Any], bool], value: Any) -> Predicate:
        if value is None:
            return lambda record: not _known(getter(record))
        wanted = value if isinstance(value, list) else [value]
        return lambda record: any(equal(have, want) for have in _known(getter(record)) for want in wanted)

    @staticmethod
    def _not_equals(getter: Getter, equal: Callable[[Any, Any], bool], value: Any) -> Predicate:
        if value is None:
            return lambda record: bool(_known(getter(record)))
        wanted = value if isinstance(value, list) else [value]
        return _all_known(getter, lambda have: not any(equal(have, want) for want in wanted))

    def _array(self, kind: str, attribute: str, value: Any) -> Predicate:
        def have(record: Record) -> list[str]:
            return [fold(as_text(each)) for each in record.values.get(attribute) or []]

        if kind == "arrayIsEmpty":
            return lambda record: not have(record)
        if kind == "arrayIsNotEmpty":
            return lambda record: bool(have(record))
        if kind not in ("arrayAnyOf", "arrayNoneOf", "arrayAllOf"):
            raise bad_request(f"Unknown where item type '{kind}'.")
        if not value and not isinstance(value, list):
            raise bad_request(
                "Bad where item. No value." if kind == "arrayAnyOf" else "Bad where item 'array'. No value."
            )
        wanted = [fold(as_text(each)) for each in (value if isinstance(value, list) else [value])]
        if kind == "arrayAllOf":
            return lambda record: set(wanted) <= set(have(record))
        if kind == "arrayAnyOf":
            return lambda record: bool(set(wanted) & set(have(record)))
        return lambda record: not set(wanted) & set(have(record))

    def _link(self, kind: str, link: str, value: Any) -> Predicate:
        def have(record: Record) -> list[str]:
            if self.entity.links[link]["type"] == "hasMany":
                return self.views.linked_ids(self.entity, link, record.id)
            linked = record.values.get(f"{link}Id")
            return [str(linked)] if linked else []

        if kind in ("isLinked", "isNotLinked"):
            return lambda record: bool(have(record)) == (kind == "isLinked")
        wanted = {str(each) for each in (value if isinstance(value, list) else [value])}
        if kind == "linkedWithAll":
            return lambda record: wanted <= set(have(record))
        return lambda record: bool(wanted & set(have(record))) == (kind == "linkedWith")


def _known(values: list[Any]) -> list[Any]:
    return [each for each in values if each is not None]


def _some(getter: Getter) -> Callable[[Callable[[Any], bool]], Predicate]:
    def build(test: Callable[[Any], bool]) -> Predicate:
        return lambda record: any(test(have) for have in getter(record) if have is not None)

    return build


def _all_known(getter: Getter, test: Callable[[Any], bool]) -> Predicate:
    """SQL's negations: a NULL matches none of them."""

    def matches(record: Record) -> bool:
        values = _known(getter(record))
        return bool(values) and all(test(have) for have in values)

    return matches


def _moment(value: Any) -> str:
    """A date-time literal in the form of the column; other text stays as it is and is compared as text."""
    match = _DATE_TIME.fullmatch(str(value))
    return f"{match.group(1)} {match.group(2) or '00:00:00'}" if match else str(value)
