"""The stream: notes that saves leave behind, lists of notes, and the notifications that follow from them."""

from __future__ import annotations

import re
from typing import Any

from sandbox.espocrm.drafts import Draft
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.views import Views
from sandbox.espocrm.world import World

_MENTION = re.compile(r"@([a-zA-Z0-9_.@-]+)")
ATTACHMENT_KEYS = ("attachmentsIds", "attachmentsNames", "attachmentsTypes")
NOT_IN_STREAM = ("usersIds", "usersNames", "teamsIds", "teamsNames", "parentName", "relatedName")


class Stream:
    """Notes of one world."""

    def __init__(self, world: World, views: Views) -> None:
        self.world = world
        self.views = views

    def record_created(self, draft: Draft) -> None:
        """A Create note where the entity has a stream."""
        if draft.entity.flag("stream"):
            self._add(draft.record, draft.user, "Create", {})
            self._assigned(draft)

    def record_updated(self, draft: Draft, changed: list[str]) -> None:
        """An Assign note where the assigned user changed; streamUpdatedAt follows."""
        if draft.entity.flag("stream") and "assignedUserId" in changed:
            self._add(draft.record, draft.user, "Assign", {"assignedUserId": draft.current["assignedUserId"]})
            self.touch(draft.record)
            draft.current["streamUpdatedAt"] = draft.record.values["streamUpdatedAt"]
            self._assigned(draft)

    def _assigned(self, draft: Draft) -> None:
        """Whoever gets a record follows it; he is told unless he took it himself."""
        assigned = draft.current.get("assignedUserId")
        if not assigned:
            return
        if assigned not in draft.record.followers:
            draft.record.followers.append(str(assigned))
        if assigned == draft.user.id:
            draft.current["isFollowed"] = True
        else:
            self.notify(str(assigned), "Assign", draft.user, draft.record)

    def touch(self, record: Record) -> None:
        """The record's stream moved."""
        record.values["streamUpdatedAt"] = self.world.clock.stamp()

    def _add(self, parent: Record, user: User, kind: str, data: dict[str, Any]) -> Record:
        now = self.world.clock.stamp()
        values = {
            "type": kind,
            "data": data,
            "parentId": parent.id,
            "parentType": parent.entity_type,
            "createdAt": now,
            "modifiedAt": now,
            "createdById": user.id,
            "number": self.world.store.next_number("Note"),
        }
        note = Record("Note", self.world.store.new_id(), values)
        self.world.store.add(note)
        return note

    def notify(self, user_id: str, kind: str, by: User, related: Record, message: str | None = None) -> None:
        """Leave a notification for a user."""
        values = {
            "type": kind,
            "userId": user_id,
            "message": message,
            "data": {"userId": by.id},
            "read": False,
            "relatedId": related.id,
            "relatedType": related.entity_type,
            "createdAt": self.world.clock.stamp(),
            "createdById": by.id,
            "number": self.world.store.next_number("Notification"),
        }
        self.world.store.add(Record("Notification", self.world.store.new_id(), values))

    def posted(self, note: Record, by: User) -> None:
        """A post was written: move the parent's stream, tell its readers."""
        parent = self.world.store.find(str(note.values.get("parentType")), str(note.values.get("parentId")))
        if parent is not None:
            self.touch(parent)
        told = set(self.world.store.linked("Note", "users", note.id)) | set(parent.followers if parent else [])
        for name in _MENTION.findall(str(note.values.get("post") or "")):
            if (mentioned := self.world.users.named(name.rstrip("."))) is not None:
                told.add(mentioned.id)
        for each in sorted(told - {by.id}):
            self.notify(each, "Note", by, note)

    def list_notes(self, parent: Record, *, posts_only: bool = False) -> list[Record]:
        """Notes of a record, newest first."""
        found = [
            note
            for note in self.world.store.live("Note")
            if note.values.get("parentId") == parent.id and note.values.get("parentType") == parent.entity_type
        ]
        if posts_only:
            found = [note for note in found if note.values.get("type") == "Post"]
        return sorted(found, key=lambda note: int(note.values.get("number") or 0), reverse=True)

    def row(self, note: Record) -> dict[str, Any]:
        """A note as the stream shows it."""
        entity = self.world.metadata.entities["Note"]
        shown = self.views.whole(entity, note)
        dropped = set(NOT_IN_STREAM)
        if note.values.get("type") != "Post":
            dropped.update(ATTACHMENT_KEYS)
        return {key: value for key, value in shown.items() if key not in dropped}
