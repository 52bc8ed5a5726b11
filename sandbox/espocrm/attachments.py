"""Attachments: upload in one piece or in chunks, download, accept lists."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sandbox.espocrm.access import may
from sandbox.espocrm.drafts import Draft, Hooks
from sandbox.espocrm.errors import ApiError, bad_request, forbidden, not_found
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.world import World

FIELD_TYPES = {"Attachment": ("file", "image", "attachmentMultiple"), "Inline Attachment": ("wysiwyg",)}


def decode(data_url: str) -> bytes:
    """The bytes of `data:<mime>;base64,…`; text without a comma has none."""
    _, comma, encoded = data_url.partition(",")
    try:
        return base64.b64decode(encoded) if comma else base64.b64decode(data_url)
    except binascii.Error:
        return b""


class AttachmentHooks(Hooks):
    """Creates an attachment for a field of a record type."""

    def __init__(self, world: World) -> None:
        self.world = world

    def filter_create(self, user: User, data: dict[str, Any]) -> dict[str, Any]:
        """Contents first, then the field that it is for."""
        kept = {key: value for key, value in data.items() if key not in ("parentId", "relatedId", "storage", "size")}
        contents = b""
        if not data.get("isBeingUploaded"):
            if "file" not in data:
                raise bad_request("No file contents.")
            if not isinstance(data["file"], str):
                raise bad_request("Non-string file contents.")
            contents = decode(data["file"])
        self._check_field(user, kept)
        return {**kept, "size": data.get("size") if data.get("isBeingUploaded") else len(contents)}

    def _check_field(self, user: User, data: dict[str, Any]) -> None:
        related, field = data.get("parentType") or data.get("relatedType"), data.get("field")
        if data.get("parentType"):
            data.pop("relatedType", None)
        if not related or not field:
            raise bad_request("No `field` and `parentType`.")
        role = str(data.get("role") or "Attachment")
        if role not in FIELD_TYPES:
            raise forbidden("Role not allowed.")
        entity = self.world.entity(str(related))
        kind = entity.type_of(str(field)) if entity else None
        if entity is None or kind is None:
            raise forbidden(f"Field '{field}' does not exist.")
        if kind not in FIELD_TYPES[role]:
            raise forbidden(f"Field type '{kind}' is not allowed for {role}.")
        if not may(user, entity, "create") and not may(user, entity, "edit"):
            raise forbidden(f"No access to {related}.")
        accept = entity.fields[str(field)].get("accept")
        if accept and not _accepted(accept, str(data.get("name")), str(data.get("type"))):
            raise forbidden("Not allowed file type.")

    def before_create(self, draft: Draft) -> None:
        """What the server sets."""
        draft.current.setdefault("role", "Attachment")
        draft.current.update({"storage": "EspoUploadDir", "storageFilePath": None})

    def visible(self, user: User, record: Record) -> bool:
        """Own ones, and those linked to a record."""
        linked = record.values.get("relatedId") or record.values.get("parentId")
        return user.is_admin or record.values.get("createdById") == user.id or bool(linked)


def _accepted(accept: list[str], name: str, mime: str) -> bool:
    """An accept list has extensions, MIME types, and types with a star."""
    extension = "." + name.rsplit(".", 1)[-1].lower()
    starred = mime.split("/", 1)[0] + "/*"
    return any(each in (extension, mime, starred) for each in accept)


class Files:
    """Contents of attachments."""

    def __init__(self, world: World, hooks: AttachmentHooks) -> None:
        self.world = world
        self.hooks = hooks

    def keep(self, attachment_id: str, data: dict[str, Any]) -> None:
        """Store what a POST Attachment brought."""
        self.world.store.contents[attachment_id] = decode(str(data["file"])) if data.get("file") else b""

    def read(self, user: User, attachment_id: str) -> tuple[Record, bytes]:
        """The record and its bytes."""
        record = self.world.store.find("Attachment", attachment_id)
        if record is None:
            raise not_found("Attachment not found.")
        if not self.hooks.visible(user, record):
            raise forbidden("No access to attachment.")
        if attachment_id not in self.world.store.contents:
            raise not_found()
        return record, self.world.store.contents[attachment_id]

    def add_chunk(self, attachment_id: str, body: bytes) -> None:
        """One more piece of an attachment that is being uploaded; the last one ends it."""
        record = self.world.store.find("Attachment", attachment_id)
        if record is None:
            raise not_found()
        if not record.values.get("isBeingUploaded"):
            raise forbidden("Attachment is not being-uploaded.")
        piece = decode(body.decode("utf-8", "replace"))
        contents = self.world.store.contents.get(attachment_id, b"") + piece
        size = int(record.values.get("size") or 0)
        if len(contents) > size:
            raise ApiError(400, "File size exceeded.")
        self.world.store.contents[attachment_id] = contents
        if len(contents) == size:
            record.values["isBeingUploaded"] = False
