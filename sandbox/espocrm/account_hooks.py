"""How users, roles and scheduled jobs differ from ordinary records: logins, keys, rights, cron expressions."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sandbox.espocrm.drafts import Draft, Hooks
from sandbox.espocrm.errors import conflict, invalid
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.views import person_name
from sandbox.espocrm.world import World

SECRETS = ("password", "passwordConfirm")
CRON_FIELD = re.compile(r"[\d*/,\-A-Za-z]+")
CRON_FIELDS = 5


class UserHooks(Hooks):
    """A saved user can log in with what his record says."""

    def __init__(self, world: World) -> None:
        self.world = world

    def before_create(self, draft: Draft) -> None:
        """Names and keys that the server sets."""
        known = self.world.users.named(str(draft.current.get("userName")))
        if known is not None:
            raise conflict("userNameExists", "userNameExists", "User", {})
        if draft.current.get("type") == "api":
            draft.current["authMethod"] = draft.current.get("authMethod") or "ApiKey"
            draft.current["apiKey"] = secrets.token_hex(16)
            if draft.current["authMethod"] == "Hmac":
                draft.current["secretKey"] = secrets.token_hex(16)
        else:
            draft.current["authMethod"] = None
        self._name(draft)

    @staticmethod
    def _name(draft: Draft) -> None:
        """API users are called as they log in, whatever name was sent."""
        if draft.current.get("type") == "api":
            draft.current["name"] = draft.current["lastName"] = draft.current["userName"]
            draft.current.pop("firstName", None)
        else:
            draft.current["name"] = person_name(draft.current) or draft.current["userName"]

    def after_create(self, draft: Draft) -> None:
        """Let him in."""
        self._take(draft, User(draft.record.id, "", "", ""))

    def shape_created(self, draft: Draft, answer: dict[str, Any]) -> dict[str, Any]:
        """With what a fresh user shows besides, without passwords."""
        shown = {key: value for key, value in answer.items() if key not in SECRETS}
        return {**shown, "lastAccess": None, "targetListIsOptedOut": False, "avatarId": None, "teamsColumns": {}}

    def shape_read(self, record: Record, shown: dict[str, Any]) -> dict[str, Any]:
        """Keys are there only for those who have them."""
        values = record.values
        absent = {key for key in ("apiKey", "secretKey") if not values.get(key)}
        return {key: value for key, value in shown.items() if key not in absent}

    def before_update(self, draft: Draft) -> None:
        """The name follows its parts."""
        self._name(draft)

    def after_update(self, draft: Draft) -> None:
        """What changed holds for his next request."""
        known = self.world.users.by_id.get(draft.record.id)
        self._take(draft, known or User(draft.record.id, "", "", ""))
        for key in SECRETS:
            draft.current.pop(key, None)

    def _take(self, draft: Draft, user: User) -> None:
        values = draft.record.values
        user.user_name, user.name = str(values.get("userName")), str(values.get("name"))
        user.kind, user.is_active = str(values.get("type")), bool(values.get("isActive"))
        user.auth_method = values.get("authMethod") or "Espo"
        user.api_key, user.secret_key = values.get("apiKey"), values.get("secretKey")
        if draft.current.get("password"):
            user.password = str(draft.current["password"])
        self.world.users.keep(user, self.world.store)

    def after_delete(self, record: Record) -> None:
        """Nobody logs in as him any more."""
        self.world.users.by_id.pop(record.id, None)

    def new_key(self, record: Record) -> None:
        """Another API key; the old one is refused from now on."""
        user = self.world.users.by_id[record.id]
        user.api_key = record.values["apiKey"] = secrets.token_hex(16)


class RoleHooks(Hooks):
    """A saved role holds at once for everybody who has it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def after_update(self, draft: Draft) -> None:
        """Work the rights out again."""
        self.world.users.role_changed(draft.record.id, self.world.store)

    def after_delete(self, record: Record) -> None:
        """Its rights are gone."""
        self.world.users.role_changed(record.id, self.world.store)


class ScheduledJobHooks(Hooks):
    """The cron expression must be one."""

    def before_create(self, draft: Draft) -> None:
        """Check it."""
        self._check(draft)

    def before_update(self, draft: Draft) -> None:
        """Check it."""
        self._check(draft)

    @staticmethod
    def _check(draft: Draft) -> None:
        parts = str(draft.current.get("scheduling") or "").split()
        if len(parts) != CRON_FIELDS or not all(CRON_FIELD.fullmatch(part) for part in parts):
            raise invalid("ScheduledJob", "scheduling", "valid")
