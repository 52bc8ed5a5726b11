"""POST MassAction: update or delete of many records; webhooks fire for each."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import access
from sandbox.espocrm.errors import bad_request, forbidden, not_found
from sandbox.espocrm.filters import FilterBuilder
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.where import Checker, parse_items


class MassAction:
    """The two actions that clients use."""

    def __init__(self, service: RecordService) -> None:
        self.service = service
        self.world = service.world

    def process(self, user: User, body: dict[str, Any]) -> dict[str, Any]:
        """`{count, ids}`."""
        entity_type, action, params = body.get("entityType"), body.get("action"), body.get("params")
        if not entity_type or not action or not isinstance(params, dict):
            raise bad_request("")
        entity = self.world.entity(str(entity_type))
        if entity is None:
            raise not_found()
        if action == "update":
            return self._update(user, entity, params, body.get("data") or {})
        if action == "delete":
            return self._delete(user, entity, params)
        raise not_found(f"Mass action '{action}' not found.")

    def _update(self, user: User, entity: EntityDef, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        if not access.may(user, entity, "edit"):
            raise forbidden(f"No edit access for '{entity.name}'.")
        if not user.is_admin and user.role.permissions.get("massUpdate") != "yes":
            raise forbidden("No mass-update permission.")
        values = data.get("values") if isinstance(data.get("values"), dict) else data
        records = self._records(user, entity, params, "edit")
        done = [each.id for each in records if self.service.mass_update(user, entity, each, dict(values or {}))]
        return {"count": len(done), "ids": done}

    def _delete(self, user: User, entity: EntityDef, params: dict[str, Any]) -> dict[str, Any]:
        if not access.may(user, entity, "delete"):
            raise forbidden(f"No delete access for '{entity.name}'.")
        done = [each.id for each in self._records(user, entity, params, "delete")]
        for each in done:
            self.service.delete(user, entity, each)
        return {"count": len(done), "ids": done}

    def _records(self, user: User, entity: EntityDef, params: dict[str, Any], action: str) -> list[Record]:
        """Those named or found on which the user may do it; the others are passed over."""
        if isinstance(params.get("ids"), list):
            named = (self.world.store.find(entity.name, str(each)) for each in params["ids"])
            found = [each for each in named if each is not None]
        else:
            found = self._matching(user, entity, params)
        return [each for each in found if access.may_record(user, entity, each, action)]

    def _matching(self, user: User, entity: EntityDef, params: dict[str, Any]) -> list[Record]:
        items = parse_items(params.get("where") or [])
        checker = Checker(entity, self.world.store, access.hidden_attributes(user, entity))
        for item in items:
            checker.check(item)
        tests = [FilterBuilder(self.service.views, entity).build(item) for item in items]
        return [each for each in self.world.store.live(entity.name) if all(test(each) for test in tests)]
