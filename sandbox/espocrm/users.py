"""Users, what their roles allow, and the log of failed logins."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm import settings as known
from sandbox.espocrm.definitions import load_json
from sandbox.espocrm.roles import Role, from_values, merged, patched
from sandbox.espocrm.store import Record, Store

PRESET_ROLES = "roles"
BARE = "bare"


@dataclass
class User:
    """A login. `kind` is EspoCRM's user type: regular, admin or api. `role` is what all its roles together allow."""

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
    role_ids: list[str] = field(default_factory=list)
    team_ids: list[str] = field(default_factory=list)

    @property
    def is_admin(self) -> bool:
        """Admins pass every check."""
        return self.kind == "admin"

    @property
    def is_api(self) -> bool:
        """API users have keys, not passwords."""
        return self.kind == "api"


def _with_role(user: User, name: str) -> User:
    values = load_json(PRESET_ROLES)[name]
    user.role, user.role_ids = from_values(values), [str(values["id"])]
    return user


def default_users(profile: str) -> list[User]:
    """The users of a fresh sandbox; README lists their credentials. A bare one has no API users."""
    office = User(
        known.OFFICE_USER_ID, known.OFFICE_USER_NAME, "Anna Anwältin", "regular", password=known.OFFICE_PASSWORD
    )
    admin = User(known.ADMIN_USER_ID, known.ADMIN_USER_NAME, "Admin", "admin", password=known.ADMIN_PASSWORD)
    people = [_with_role(office, "sandbox_office"), admin]
    if profile == BARE:
        return people
    with_key = _api_user(known.API_USER_ID, known.API_USER_NAME, known.API_KEY)
    signing = _api_user(known.HMAC_USER_ID, known.HMAC_USER_NAME, known.HMAC_API_KEY)
    signing.auth_method, signing.secret_key = "Hmac", known.HMAC_SECRET_KEY
    idle = _api_user(known.INACTIVE_USER_ID, known.INACTIVE_USER_NAME, known.INACTIVE_API_KEY)
    idle.is_active = False
    return [
        _with_role(with_key, "sandbox_api"),
        _with_role(signing, "sandbox_api"),
        _with_role(idle, "sandbox_inactive"),
        *people,
    ]


def _api_user(user_id: str, name: str, key: str) -> User:
    return User(user_id, name, name, "api", "ApiKey", None, key)


class Directory:
    """Finds users by id and credential; O(1)."""

    def __init__(self, profile: str) -> None:
        self.by_id: dict[str, User] = {user.id: user for user in default_users(profile)}
        self.tokens: dict[str, str] = {}
        self.failures: dict[str, list[float]] = {}

    def install(self, store: Store, stamp: str) -> None:
        """Write a User record for every login, and the records of their roles."""
        used = {each for user in self.by_id.values() for each in user.role_ids}
        for values in load_json(PRESET_ROLES).values():
            if values["id"] in used:
                columns = {key: value for key, value in values.items() if key != "id"}
                store.add(Record("Role", values["id"], {**columns, "createdAt": stamp, "modifiedAt": stamp}))
        for user in self.by_id.values():
            self.write_record(store, user, stamp)

    @staticmethod
    def write_record(store: Store, user: User, stamp: str) -> None:
        """The user as a record, so that links to it exist."""
        first, _, last = user.name.rpartition(" ")
        values = {
            "userName": user.user_name,
            "name": user.name,
            "firstName": first or None,
            "lastName": last,
            "type": user.kind,
            "authMethod": user.auth_method if user.is_api else None,
            "apiKey": user.api_key,
            "secretKey": user.secret_key,
            "isActive": user.is_active,
        }
        store.add(Record("User", user.id, {**values, "createdAt": stamp, "modifiedAt": stamp}))
        for each in user.role_ids:
            store.relate("User", "roles", user.id, each)
            store.relate("Role", "users", each, user.id)

    def change(self, store: Store, user_name: str, patch: dict[str, Any], stamp: str) -> User:
        """Change a login by name, its id included; an unknown name makes a regular user with the office's role."""
        user = self.named(user_name)
        if user is None:
            user = User(patch.get("id") or "5a" + secrets.token_hex(8)[:15], user_name, user_name, "regular")
            _with_role(user, "sandbox_office")
        old_id = user.id
        for key in set(patch) & {"id", "name", "kind", "password", "api_key", "secret_key", "is_active", "auth_method"}:
            setattr(user, key, patch[key])
        patched(user.role, patch.get("role", {}))
        self.by_id.pop(old_id, None)
        if old_id != user.id:
            store.records.get("User", {}).pop(old_id, None)
        self.by_id[user.id] = user
        self.write_record(store, user, stamp)
        return user

    def keep(self, user: User, store: Store) -> None:
        """Take in a login that was made or changed over REST; its rights follow from the records of its roles."""
        user.role_ids = list(store.linked("User", "roles", user.id))
        user.team_ids = list(store.linked("User", "teams", user.id))
        found = (store.find("Role", each) for each in user.role_ids)
        user.role = merged(from_values(record.values) for record in found if record is not None)
        self.by_id[user.id] = user

    def role_changed(self, role_id: str, store: Store) -> None:
        """A role was saved or deleted: everybody who has it."""
        for user in list(self.by_id.values()):
            if role_id in user.role_ids:
                self.keep(user, store)

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
