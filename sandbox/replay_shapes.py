"""What the tool knows of the sandbox's record types, and what a recording teaches it beyond that."""

from __future__ import annotations

import re
from typing import Any

from sandbox.replay_recording import Exchange, rows_of

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")


class Shapes:
    """Entity definitions as GET /_sandbox/metadata gives them."""

    def __init__(self, entities: dict[str, dict[str, Any]]) -> None:
        self._entities = entities

    def known(self, entity: str) -> bool:
        """True where the sandbox has the type."""
        return entity in self._entities

    def attributes(self, entity: str) -> set[str]:
        """The keys of its records."""
        return set(self._entities.get(entity, {}).get("attributes", ()))

    def absent(self, entity: str, row: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Fields of which a whole record shows no key."""
        known: dict[str, str] = self._entities.get(entity, {}).get("attributes", {})
        shown = {known[key] for key in row if key in known}
        fields: dict[str, dict[str, Any]] = self._entities.get(entity, {}).get("fields", {})
        return {name: spec for name, spec in fields.items() if name in set(known.values()) - shown}

    def flag(self, entity: str, name: str) -> bool:
        """A flag of its scope."""
        return bool(self._entities.get(entity, {}).get("flags", {}).get(name))

    def field(self, entity: str, name: str) -> dict[str, Any] | None:
        """A field's definition."""
        found: dict[str, Any] | None = self._entities.get(entity, {}).get("fields", {}).get(name)
        return found

    def foreign(self, entity: str, link: str) -> str | None:
        """The record type that a link leads to."""
        if link in ("stream", "posts"):
            return "Note"
        found = self._entities.get(entity, {}).get("links", {}).get(link, {}).get("entity")
        return None if found is None else str(found)

    def references(self, entity: str, row: dict[str, Any]) -> list[tuple[str, str, str | None]]:
        """Other records that a row names: (type, id, name)."""
        found: list[tuple[str, str, str | None]] = []
        for key, value in row.items():
            if key.endswith("Ids") and isinstance(value, list):
                names = row.get(f"{key[:-3]}Names")
                names = names if isinstance(names, dict) else {}
                kind = "Attachment" if key == "attachmentsIds" else self.foreign(entity, key[:-3])
                found += [(kind, str(each), names.get(each)) for each in value if kind]
            elif key.endswith("Id") and isinstance(value, str) and value:
                kind = self.foreign(entity, key[:-2]) or row.get(f"{key[:-2]}Type")
                if kind and key != "id":
                    found.append((str(kind), value, row.get(f"{key[:-2]}Name")))
        return found

    def entity_of_rows(self, exchange: Exchange) -> str | None:
        """The type of the records in an answer."""
        parts = exchange.segments
        if not parts or parts[0] in ("Metadata", "MassAction", "App") or parts[:2] == ["Attachment", "file"]:
            return None
        link_route = 3
        return self.foreign(exchange.entity, parts[2]) if len(parts) == link_route else exchange.entity


def _guess(key: str, value: Any) -> dict[str, Any]:
    """The definition of an unknown field from one of its values."""
    if isinstance(value, bool):
        return {"type": "bool"}
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            return {"type": "date"}
        return {"type": "datetime" if _DATE_TIME.fullmatch(value) else "text"}
    kinds = {int: "int", float: "float", list: "jsonArray", dict: "jsonObject"}
    return {"type": kinds.get(type(value), "varchar")}


def learn(exchanges: list[Exchange], shapes: Shapes) -> dict[str, dict[str, Any]]:
    """Fields and options of the recorded installation that the profile lacks, as POST /_sandbox/metadata takes them."""
    patches: dict[str, dict[str, Any]] = {}
    for exchange in exchanges:
        entity = shapes.entity_of_rows(exchange)
        if entity is None or not exchange.is_ok:
            continue
        for row in rows_of(exchange):
            _learn_row(entity, row, shapes, patches)
            if _is_whole(exchange) and shapes.flag(entity, "approximate"):
                for name, spec in shapes.absent(entity, row).items():
                    _patch(patches, entity)["fields"][name] = {**spec, "disabled": True}
            _learn_options(entity, row, shapes, patches)
    return patches


def _is_whole(exchange: Exchange) -> bool:
    """True for an answer that shows every key of a record."""
    return exchange.method in ("GET", "PUT", "PATCH") and len(exchange.segments) == 2


def _patch(patches: dict[str, dict[str, Any]], entity: str) -> dict[str, Any]:
    return patches.setdefault(entity, {"fields": {}, "links": {}})


def _learn_row(entity: str, row: dict[str, Any], shapes: Shapes, patches: dict[str, dict[str, Any]]) -> None:
    own = {
        "versionNumber",
        "isStarred",
        "isFollowed",
        "followersIds",
        "followersNames",
        "streamUpdatedAt",
        "groupedCount",
        "groupType",
        "groupedUnreadCount",
    }
    unknown = set(row) - shapes.attributes(entity) - own
    for key in sorted(unknown):
        if key.endswith("Id") and f"{key[:-2]}Name" in unknown:
            _patch(patches, entity)["fields"].setdefault(key[:-2], {"type": "link"})
            target = "User" if "user" in key.lower() else "Account"
            _patch(patches, entity)["links"].setdefault(key[:-2], {"type": "belongsTo", "entity": target})
        elif key.endswith("Ids") and f"{key[:-3]}Names" in unknown:
            _patch(patches, entity)["fields"].setdefault(key[:-3], {"type": "linkMultiple"})
            link = {"type": "hasMany", "entity": "Contact", "relationName": f"{entity}{key[:-3]}"}
            _patch(patches, entity)["links"].setdefault(key[:-3], link)
        elif not _belongs_to_pair(key, unknown):
            known = _patch(patches, entity)["fields"].get(key)
            if known is None or (known["type"] == "varchar" and row[key] is not None):
                _patch(patches, entity)["fields"][key] = _guess(key, row[key])


def _belongs_to_pair(key: str, unknown: set[str]) -> bool:
    if key.endswith("Names"):
        return f"{key[:-5]}Ids" in unknown
    return key.endswith("Name") and f"{key[:-4]}Id" in unknown


def _learn_options(entity: str, row: dict[str, Any], shapes: Shapes, patches: dict[str, dict[str, Any]]) -> None:
    for key, value in row.items():
        spec = shapes.field(entity, key)
        options = spec.get("options") if spec and spec["type"] in ("enum", "multiEnum") else None
        if spec is None or not options:
            continue
        used = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        if missing := [each for each in used if each not in options]:
            fields = _patch(patches, entity)["fields"]
            known = fields.get(key, spec)
            added = [each for each in missing if each not in known["options"]]
            fields[key] = {**known, "options": [*known["options"], *added]}
