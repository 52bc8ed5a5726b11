"""Roles in EspoCRM's own form: `data` (scope, action, level), `fieldData` (scope, field, action), permissions."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("create", "read", "edit", "delete", "stream")
LEVELS = ("no", "own", "team", "all", "yes")
FULL = {"create": "yes", "read": "all", "edit": "all", "delete": "all", "stream": "all"}
PERMISSION = "Permission"


@dataclass
class Role:
    """What a user may do. `strict`: a scope that is not listed is forbidden; the sandbox's own roles are not."""

    data: dict[str, Any] = field(default_factory=dict)
    field_data: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    strict: bool = True

    def level(self, scope: str, action: str) -> str | None:
        """no, own, team, all or yes; None where the role does not list the scope or the action."""
        given = self.data.get(scope)
        if isinstance(given, bool):
            return "all" if given else "no"
        found = given.get(action) if isinstance(given, dict) else None
        return None if found is None else str(found)

    def forbidden_fields(self, scope: str, action: str) -> list[str]:
        """The fields of a scope that may not be read, or not be written; what is not read is not written."""
        wanted = ("read",) if action == "read" else ("read", "edit")
        fields = self.field_data.get(scope, {})
        return [name for name, given in fields.items() if any(given.get(each) == "no" for each in wanted)]


def from_values(values: dict[str, Any]) -> Role:
    """A stored Role record, or one of definitions/roles.json."""
    permissions = {
        key.removesuffix(PERMISSION): str(value)
        for key, value in values.items()
        if key.endswith(PERMISSION) and value not in (None, "not-set")
    }
    data, fields = values.get("data") or {}, values.get("fieldData") or {}
    return Role(copy.deepcopy(data), copy.deepcopy(fields), permissions, bool(values.get("strict", True)))


def merged(roles: Iterable[Role]) -> Role:
    """Several roles of one user: of each right the widest."""
    found = Role()
    for index, role in enumerate(roles):
        found.strict = role.strict if index == 0 else found.strict and role.strict
        for scope, given in role.data.items():
            found.data[scope] = _wider(found.data.get(scope), copy.deepcopy(given))
        for scope, fields in role.field_data.items():
            own = found.field_data.setdefault(scope, {})
            own.update({name: _widest(own.get(name, {}), each) for name, each in fields.items()})
        found.permissions = _widest(found.permissions, role.permissions)
    return found


def _wider(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return _widest(one, other)
    return one or other


def _widest(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    keys = [*one, *(key for key in other if key not in one)]
    return {key: max((each[key] for each in (one, other) if key in each), key=_rank) for key in keys}


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def patched(role: Role, patch: dict[str, Any]) -> None:
    """Change a role by the control API: `permissions`, `data`, `fieldData`; `scopes` and `hidden` are short forms."""
    role.permissions.update(patch.get("permissions", {}))
    role.data.update(copy.deepcopy(patch.get("data", {})))
    for scope, actions in patch.get("scopes", {}).items():
        role.data[scope] = {action: FULL[action] if action in actions else "no" for action in ACTIONS}
    for scope, fields in patch.get("fieldData", {}).items():
        role.field_data.setdefault(scope, {}).update(copy.deepcopy(fields))
    for scope, names in patch.get("hidden", {}).items():
        role.field_data.setdefault(scope, {}).update({name: {"read": "no", "edit": "no"} for name in names})
