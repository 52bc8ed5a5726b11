"""The table of rights that `GET App/user` shows: every scope that the caller's roles, or EspoCRM itself, speak of."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import access
from sandbox.espocrm.definitions import load_json
from sandbox.espocrm.metadata import Metadata
from sandbox.espocrm.roles import ACTIONS
from sandbox.espocrm.users import User

PERMISSIONS = (
    *("assignment", "message", "mention", "userCalendar", "audit", "export", "massUpdate", "user", "portal"),
    *("groupEmailAccount", "followerManagement", "dataPrivacy"),
)


def of(user: User, metadata: Metadata) -> dict[str, Any]:
    """`{table, fieldTable, …Permission}`."""
    table: dict[str, Any] = load_json("acl")
    for name, entity in metadata.entities.items():
        listed = name in user.role.data or name in table
        if user.role.data.get(name) is True:
            table[name] = True
        elif user.is_admin or listed or (entity.flag("granted") and not user.role.strict):
            table[name] = {action: access.level(user, entity, action) for action in ACTIONS}
    fields = {name: user.role.field_data.get(name, {}) for name in table}
    default = "all" if user.is_admin else "no"
    permissions = {f"{name}Permission": user.role.permissions.get(name, default) for name in PERMISSIONS}
    return {"table": table, "fieldTable": fields, **permissions}
