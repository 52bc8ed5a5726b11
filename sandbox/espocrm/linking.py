"""POST and DELETE X/{id}/{link}: no webhook, no modifiedAt; at most an installed hook."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import access, link_hook
from sandbox.espocrm.errors import bad_request, forbidden, not_found, translated
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.users import User


class Linking:
    """Links records one by one."""

    def __init__(self, service: RecordService) -> None:
        self.service = service
        self.world = service.world

    def change(
        self, user: User, entity: EntityDef, target: tuple[str, str], body: dict[str, Any], *, linked: bool
    ) -> bool:
        """Link or unlink what the body names; False where it names nothing. `target` is (record id, link)."""
        if body.get("massRelate") and linked:
            raise forbidden("Mass link is not allowed.")
        ids = self._ids(body)
        if not ids:
            if not linked:
                raise bad_request("")
            return False
        for each in ids:
            self._change_one(user, entity, target, each, linked=linked)
        return True

    @staticmethod
    def _ids(body: dict[str, Any]) -> list[str]:
        ids = list(body["ids"]) if isinstance(body.get("ids"), list) else []
        if body.get("id"):
            ids.append(body["id"])
        return [str(each) for each in ids]

    def _change_one(
        self, user: User, entity: EntityDef, target: tuple[str, str], foreign_id: str, *, linked: bool
    ) -> None:
        record_id, link = target
        access.require(user, entity, "edit")
        spec = entity.links.get(link)
        if spec is not None and spec["type"] != "hasMany":
            raise forbidden("Only manyMany, hasMany & hasChildren relations are allowed.")
        record = self.world.store.find(entity.name, record_id)
        if record is None:
            raise not_found()
        access.require(user, entity, "edit", record)
        if spec is None:
            raise not_found(f"Entity {entity.name} does not have link {link}.")
        foreign = self.world.metadata.entities[str(spec["entity"])]
        other = self.world.store.find(foreign.name, foreign_id)
        if other is None:
            raise not_found()
        if not access.may_record(user, foreign, other, "edit"):
            reason = f"No foreign record access for link operation ({entity.name}:{link})."
            raise translated(403, reason, "noAccessToForeignRecord", {"action": "edit"})
        self.service.set_link(entity, link, record_id, foreign_id, linked=linked)
        link_hook.related(self.world, (entity.name, record_id), link, (foreign.name, foreign_id), linked=linked)
