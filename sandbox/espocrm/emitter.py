"""Puts events into the queue after a save, if any active webhook wants them."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm.events import Event, active_webhooks, changed_fields, field_item, update_item
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.users import User
from sandbox.espocrm.world import World


class Emitter:
    """One per world. Only entity types with scopes.X.object have webhooks."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _push(self, name: str, entity: EntityDef, record_id: str, user: User | None, item: dict[str, Any]) -> None:
        if entity.flag("object") and active_webhooks(self.world.store, name):
            self.world.events.pending.append(Event(name, entity.name, record_id, user.id if user else None, item))

    def created(self, entity: EntityDef, record_id: str, user: User, current: dict[str, Any]) -> None:
        """X.create with what was set in memory when it was saved."""
        self._push(f"{entity.name}.create", entity, record_id, user, dict(current))

    def updated(
        self, entity: EntityDef, record_id: str, user: User, changed: list[str], current: dict[str, Any]
    ) -> None:
        """X.update, and X.fieldUpdate.<field> for every field that changed."""
        item = update_item(record_id, changed, current)
        if item is None:
            return
        self._push(f"{entity.name}.update", entity, record_id, user, item)
        for name in changed_fields(entity, changed):
            event = f"{entity.name}.fieldUpdate.{name}"
            self._push(event, entity, record_id, user, field_item(entity, name, record_id, current))

    def deleted(self, entity: EntityDef, record_id: str, user: User) -> None:
        """X.delete."""
        self._push(f"{entity.name}.delete", entity, record_id, user, {"id": record_id})
