"""Users, what their roles allow, and the log of failed logins."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm import settings as known
from sandbox.espocrm.store import Record, Store

ACTIONS = ("create", "read", "edit", "delete")


@dataclass
class Role:
    """`scopes`: entity type → actions (for types that metadata does not grant); permissions by EspoCRM's names."""

    scopes: dict[str, list[str]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class User:
    """A login. `kind` is EspoCRM's user type: regular, admin or api."""

    id: str
    user_name: str
    name: str
    kind: str
    auth_method: str = "Espo"
    password: str | None = None
    api_key: str | None = None
    secret_key: str | None = None
    is_active: bool = True
    role: Role = field(default_factory=Role)

    @property
    def is_admin(self) -> bool:
        """Admins pass every check."""
        return self.kind == "admin"

    @property
    def is_api(self) -> bool:
        """API users have keys, not passwords."""
        return self.kind == "api"


def _role(*, message: str, webhook: bool) -> Role:
    everything = ["create", "read", "edit", "delete"]
    scopes = dict.fromkeys(("Account", "Contact", "Task", "Document", "Note", "Attachment"), everything)
    scopes |= {"User": ["read"], "Team": ["read"], "Notification": ["read", "edit", "delete"]}
    if webhook:
        scopes["Webhook"] = everything
    return Role(scopes, {"message": message, "massUpdate": "no", "assignment": "all"})


def default_users() -> list[User]:
    """The users of a fresh sandbox; README lists their credentials."""
    return [
        User(
            known.API_USER_ID,
            known.API_USER_NAME,
            known.API_USER_NAME,
            "api",
            "ApiKey",
            None,
            known.API_KEY,
            role=_role(message="all", webhook=True),
        ),
        User(
            known.HMAC_USER_ID,
            known.HMAC_USER_NAME,
            known.HMAC_USER_NAME,
            "api",
            "Hmac",
            None,
            known.HMAC_API_KEY,
            known.HMAC_SECRET_KEY,
            role=_role(message="all", webhook=True),
        ),
        User(
            known.INACTIVE_USER_ID,
            known.INACTIVE_USER_NAME,
            known.INACTIVE_USER_NAME,
            "api",
            "ApiKey",
            None,
            known.INACTIVE_API_KEY,
            is_active=False,
            role=_role(message="no", webhook=True),
        ),
        User(
            known.OFFICE_USER_ID,
            known.OFFICE_USER_NAME,
            "Anna Anwältin",
            "regular",
            password=known.OFFICE_PASSWORD,
            role=_role(message="all", webhook=False),
        ),
        User(known.ADMIN_USER_ID, known.ADMIN_USER_NAME, "Admin", "admin", password=known.ADMIN_PASSWORD),
    ]


class Directory:
    """Finds users by id and credential; O(1)."""

    def __init__(self) -> None:
        self.by_id: dict[str, User] = {user.id: user for user in default_users()}
        self.tokens: dict[str, str] = {}
        self.failures: dict[str, list[float]] = {}

    def install(self, store: Store, stamp: str) -> None:
        """Write a User record for every login."""
        for user in self.by_id.values():
            self.write_record(store, user, stamp)

    @staticmethod
    def write_record(store: Store, user: User, stamp: str) -> None:
        """The user as a record, so that links to it exist."""
        values = {"userName": user.user_name, "name": user.name, "type": user.kind, "isActive": user.is_active}
        store.add(Record("User", user.id, {**values, "createdAt": stamp, "modifiedAt": stamp}))

    def change(self, store: Store, user_name: str, patch: dict[str, Any], stamp: str) -> User:
        """Change a login by name, its id included; an unknown name makes a regular user."""
        user = self.named(user_name)
        if user is None:
            user = User(patch.get("id") or "5a" + secrets.token_hex(8)[:15], user_name, user_name, "regular")
        old_id = user.id
        role = patch.get("role", {})
        for key in set(patch) & {"id", "name", "kind", "password", "api_key", "secret_key", "is_active", "auth_method"}:
            setattr(user, key, patch[key])
        user.role.permissions.update(role.get("permissions", {}))
        user.role.scopes.update(role.get("scopes", {}))
        user.role.hidden.update(role.get("hidden", {}))
        self.by_id.pop(old_id, None)
        if old_id != user.id:
            store.records.get("User", {}).pop(old_id, None)
        self.by_id[user.id] = user
        self.write_record(store, user, stamp)
        return user

    def named(self, user_name: str) -> User | None:
        """By login name."""
        return next((user for user in self.by_id.values() if user.user_name == user_name), None)

    def with_key(self, api_key: str) -> User | None:
        """By API key, whatever the method."""
        return next((user for user in self.by_id.values() if user.api_key and user.api_key == api_key), None)

    def new_token(self, user: User) -> str:
        """A token that is as good as the password."""
        token = secrets.token_hex(16)
        self.tokens[token] = user.id
        return token

    def copy_state(self) -> dict[str, Any]:
        """Everything, detached."""
        return copy.deepcopy(self.__dict__)

    def restore_state(self, state: dict[str, Any]) -> None:
        """Back to what copy_state gave."""
        self.__dict__.update(copy.deepcopy(state))
