"""How notes, notifications and webhooks differ from ordinary records."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.espocrm.access import may, may_record
from sandbox.espocrm.drafts import Draft, Hooks
from sandbox.espocrm.errors import bad_request, forbidden, invalid
from sandbox.espocrm.store import Record
from sandbox.espocrm.stream import Stream
from sandbox.espocrm.users import User
from sandbox.espocrm.validation import is_internal_url
from sandbox.espocrm.world import World

MAX_WEBHOOKS = 50
EVENT_TYPES = ("create", "update", "delete", "fieldUpdate")


class NoteHooks(Hooks):
    """Posts: who may be addressed, who is told."""

    def __init__(self, world: World, stream: Stream) -> None:
        self.world = world
        self.stream = stream

    def before_create(self, draft: Draft) -> None:
        """Check the parent, the type and the target."""
        current = draft.current
        parent_type, parent_id = current.get("parentType"), current.get("parentId")
        if parent_type and parent_id:
            entity = self.world.entity(str(parent_type))
            parent = self.world.store.find(str(parent_type), str(parent_id))
            if entity is None or parent is None or not may_record(draft.user, entity, parent, "read"):
                raise forbidden("No access to parent.")
        if current.get("type") != "Post" and not draft.user.is_admin:
            raise forbidden("Only 'Post' type allowed.")
        self._check_target(draft)
        if current.get("targetType") == "self":
            current["usersIds"] = [draft.user.id]
            draft.sent.add("usersIds")
        for key in ("isGlobal", "isPinned"):
            current.pop(key, None)
        if current.get("targetType") == "all":
            current["isGlobal"] = True
        current["isInternal"] = False
        current["data"] = {}

    @staticmethod
    def _check_target(draft: Draft) -> None:
        target, users = draft.current.get("targetType"), draft.current.get("usersIds") or []
        if not target:
            return
        if draft.user.role.permissions.get("message", "no") == "no" and not draft.user.is_admin:
            only_self = target == "self" or (target == "users" and users == [draft.user.id])
            if not only_self and target != "portals":
                raise forbidden("Not permitted to post to anybody except self.")
        if target == "users" and not users:
            raise bad_request("No user IDs.")
        if target == "teams" and not draft.current.get("teamsIds"):
            raise bad_request("No team IDS.")

    def after_create(self, draft: Draft) -> None:
        """Tell the readers."""
        self.stream.posted(draft.record, draft.user)

    def shape_created(self, draft: Draft, answer: dict[str, Any]) -> dict[str, Any]:
        """Users and teams only where they are the target; reactions always."""
        for link in ("users", "teams"):
            if f"{link}Ids" not in draft.sent:
                answer.pop(f"{link}Ids", None)
                answer.pop(f"{link}Names", None)
        return {**answer, "reactionCounts": None, "myReactions": []}


class NotificationHooks(Hooks):
    """Everybody sees his own; a list row is poorer than the record."""

    def shape_row(self, user: User, row: dict[str, Any]) -> dict[str, Any]:
        """Without names and user, with what grouping adds."""
        kept = {key: value for key, value in row.items() if not key.endswith("Name") and key != "userId"}
        return {**kept, "isFeatured": None, "groupedCount": None, "groupType": None, "groupedUnreadCount": 1}

    def visible(self, user: User, record: Record) -> bool:
        """Own ones only, for admins as well."""
        return record.values.get("userId") == user.id


class WebhookHooks(Hooks):
    """Webhooks: event syntax, secret, skipOwn, limits."""

    def __init__(self, world: World) -> None:
        self.world = world

    def before_create(self, draft: Draft) -> None:
        """Fill what the client can't, check the event."""
        self._check_url(draft)
        if draft.user.is_api:
            draft.current["userId"] = draft.user.id
        draft.current["secretKey"] = secrets.token_hex(16)
        self._check_owner(draft)
        self._check_event(draft)
        if not draft.user.is_admin:
            own = [each for each in self.world.store.live("Webhook") if each.values.get("userId") == draft.user.id]
            if len(own) >= MAX_WEBHOOKS:
                raise forbidden("Webhook number per user exceeded the limit.")

    def before_update(self, draft: Draft) -> None:
        """The event cannot be changed: ignored, for an admin refused."""
        if "event" in draft.sent and draft.current["event"] != draft.fetched["event"]:
            if draft.user.is_admin:
                raise forbidden("Event can't be changed.")
            draft.current["event"] = draft.fetched["event"]
        self._check_url(draft)
        self._check_owner(draft)

    def _check_owner(self, draft: Draft) -> None:
        owner = draft.current.get("userId")
        if draft.current.get("skipOwn") and not owner:
            draft.current["skipOwn"] = False
        user = self.world.users.by_id.get(str(owner)) if owner else None
        if owner and (user is None or not user.is_api):
            raise forbidden("User must be an API User.")

    def _check_url(self, draft: Draft) -> None:
        refused = is_internal_url(draft.current.get("url"), self.world.settings.allowed_addresses)
        if "url" in draft.sent and refused and not self.world.settings.is_legacy:
            raise invalid("Webhook", "url", "notInternal")

    def _check_event(self, draft: Draft) -> None:
        parts = str(draft.current.get("event") or "").split(".")
        if len(parts) not in (2, 3):
            raise forbidden("Not supported event." if draft.current.get("event") else "Event is empty.")
        entity = self.world.entity(parts[0])
        if entity is None or not entity.flag("object"):
            raise forbidden("Entity type is not available for Webhooks.")
        if not may(draft.user, entity, "read"):
            raise forbidden("Entity type is forbidden.")
        if parts[1] not in EVENT_TYPES:
            raise forbidden("Not supported event.")
        field = None
        if parts[1] == "fieldUpdate":
            field = parts[2] if len(parts) == 3 else None
            if not field:
                raise forbidden("Field is empty.")
            if field not in entity.fields:
                raise forbidden("Field does not exist.")
        draft.current.update({"entityType": parts[0], "type": parts[1], "field": field})

    def visible(self, user: User, record: Record) -> bool:
        """Own ones; an admin sees all."""
        return user.is_admin or record.values.get("userId") == user.id
