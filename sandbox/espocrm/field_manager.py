"""EspoCRM's Field Manager over REST: fields of a record type are made, shown, changed and removed."""

from __future__ import annotations

import re
from typing import Any

from sandbox.espocrm.definitions import load_json
from sandbox.espocrm.entity_manager import custom, failed, snake
from sandbox.espocrm.errors import bad_request, conflict
from sandbox.espocrm.metadata import INTERNAL, EntityDef
from sandbox.espocrm.world import World

MAX_NAME = 50
ALWAYS = ("type", "isCustom", "isPersonalData", "tooltip", "inlineEditDisabled", "defaultAttributes")
FORBIDDEN = frozenset(
    {"id", "deleted", "deleteId", "skipDuplicateCheck", "null", "false", "true", "versionNumber", "isStarred"}
    | {"isFollowed", "followers", "teams", "assignedUser", "assignedUsers", "collaborators", "streamUpdatedAt"}
    | {"createdBy", "createdAt", "modifiedBy", "modifiedAt", "emailAddressList"}
)
LINK_ENDINGS = {"Id": 2, "Name": 4, "Ids": 3, "Names": 5, "Type": 4}


class FieldManager:
    """Fields of one record type after another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.types: dict[str, dict[str, Any]] = load_json("field_types")

    def _entity(self, scope: str) -> EntityDef:
        entity = self.world.entity(scope)
        if entity is None:
            raise failed(f"Entity type {scope} is not customizable.")
        return entity

    def read(self, scope: str, name: str) -> dict[str, Any]:
        """The field's definition with its label."""
        entity = self._entity(scope)
        if name not in entity.fields:
            raise failed(f"Can't read field defs {scope}.{name}.")
        shown = {key: value for key, value in entity.fields[name].items() if key not in INTERNAL}
        return {**shown, "label": self.world.customization.label(scope, name)}

    def create(self, scope: str, given: dict[str, Any]) -> dict[str, Any]:
        """A new field; on types of EspoCRM's own its name gets a c in front. The answer does not say the name."""
        if not given.get("name"):
            raise bad_request("")
        entity = self._entity(scope)
        name = str(given["name"]) if entity.flag("isCustom") else custom(str(given["name"]))
        self._check_name(entity, name)
        kind = given.get("type")
        if not kind:
            raise bad_request("No type.")
        defaults = self.types.get(str(kind), {}).get("defaults", {})
        entity.fields[name] = {**self._spec(str(kind), {**given, **_absent(defaults, given)}, {}), "isCustom": True}
        if link := self.types.get(str(kind), {}).get("link"):
            entity.links[name] = dict(link)
        self._label(scope, name, given)
        entity.derive()
        return self.read(scope, name)

    @staticmethod
    def _check_name(entity: EntityDef, name: str) -> None:
        scope = entity.name
        if len(snake(name)) > MAX_NAME:
            raise failed(f"Field name should not be longer than {MAX_NAME}.")
        if name in entity.fields:
            given = {"field": name, "entityType": scope}
            raise conflict(f"Field '{name}' already exists in '{scope}'.", "fieldAlreadyExists", "FieldManager", given)
        if name in entity.links:
            given = {"field": name, "entityType": scope}
            reason = f"Link with name '{name}' already exists in '{scope}'."
            raise conflict(reason, "linkWithSameNameAlreadyExists", "FieldManager", given)
        if any(name.endswith(end) and name[:-cut] in entity.links for end, cut in LINK_ENDINGS.items()):
            raise conflict("namingFieldLinkConflict", "namingFieldLinkConflict", "FieldManager", {"field": name})
        if name in FORBIDDEN or name.lower() in FORBIDDEN:
            raise conflict(f"Field '{name}' is not allowed.", "fieldNameIsNotAllowed", "FieldManager", {"field": name})
        if not re.match(r"[a-z]", name):
            raise failed("Field name should start with a lower case letter.")
        if not re.fullmatch(r"[a-zA-Z0-9]+", name):
            raise failed("Field name should contain only letters and numbers.")

    def _spec(self, kind: str, given: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        """What is kept of the parameters sent: those that the type has, where they differ from what holds already."""
        about = self.types.get(kind)
        allowed = set(given) - {"name", "label"} if about is None else {*about["params"], *ALWAYS}
        kept = {}
        for key, value in given.items():
            before = known.get(key, False if isinstance(value, bool) else None)
            if key in allowed and value != before:
                kept[key] = value
        kept.pop("type", None)
        return {**(about or {}).get("fixed", {}), "type": kind, **kept}

    def update(self, scope: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Change a field's parameters; those that are not sent stay."""
        entity = self._entity(scope)
        known = entity.fields.get(name)
        kind = given.get("type") or (known or {}).get("type")
        if not kind:
            raise failed(f"Can't read field defs {scope}.{name}.")
        changed = self._spec(str(kind), given, known or {})
        changed.pop("isCustom", None)
        merged = {**(known or {"isCustom": True}), **changed}
        entity.fields[name] = {key: value for key, value in merged.items() if value is not None or key in given}
        self._label(scope, name, given)
        entity.derive()
        return self.read(scope, name)

    def delete(self, scope: str, name: str) -> bool:
        """Remove a field that was made here."""
        entity = self._entity(scope)
        if not entity.fields.get(name, {}).get("isCustom"):
            raise failed(f"Cannot delete core field '{name}' in '{scope}'.")
        entity.fields.pop(name)
        entity.links.pop(name, None)
        entity.derive()
        self.world.customization.labels.pop((scope, name), None)
        return True

    def _label(self, scope: str, name: str, given: dict[str, Any]) -> None:
        if given.get("label") is not None:
            self.world.customization.labels[scope, name] = str(given["label"])


def _absent(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in defaults.items() if key not in given}
