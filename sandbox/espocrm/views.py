"""A stored record as the API shows it: whole, as a list row, or one key of it for a filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.espocrm import addresses
from sandbox.espocrm.metadata import Attribute, EntityDef
from sandbox.espocrm.store import Record
from sandbox.espocrm.world import World

EMPTY_ARRAY_TYPES = ("multiEnum", "array", "checklist", "jsonArray")


def person_name(values: dict[str, Any]) -> str | None:
    """First and last name, as far as there."""
    parts = [values.get(key) for key in ("firstName", "lastName")]
    return " ".join(str(part) for part in parts if part) or None


def email_kind() -> addresses.Kind:
    """The kind of an e-mail field."""
    return addresses.email_kind()


def phone_kind(entity: EntityDef) -> addresses.Kind:
    """The kind of the entity's phone field, with its default type."""
    return addresses.phone_kind(str(entity.fields.get("phoneNumber", {}).get("defaultType", "Mobile")))


class Views:
    """Reads records of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._readers: dict[str, Callable[[EntityDef, Record, Attribute], Any]] = {
            "id": lambda _, record, __: record.id,
            "deleted": lambda _, record, __: record.deleted,
            "column": self._column,
            "person_name": lambda _, record, __: person_name(record.values),
            "converted": lambda _, record, attribute: record.values.get(attribute.field),
            "link_name": self._link_name,
            "parent_name": self._parent_name,
            "link_ids": lambda entity, record, attribute: self.linked_ids(entity, attribute.field, record.id),
            "link_names": self._link_names,
            "attachment_ids": lambda _, record, attribute: list(record.values.get(attribute.name) or []),
            "attachment_names": lambda _, record, attribute: self._of_attachments(record, attribute, "name"),
            "attachment_types": lambda _, record, attribute: self._of_attachments(record, attribute, "type"),
            "followers": lambda _, record, __: list(record.followers),
            "followers_names": lambda _, record, __: {each: self.name_of("User", each) for each in record.followers},
            "is_followed": lambda _, __, ___: False,
            "is_starred": lambda _, __, ___: False,
            "nothing": lambda _, __, ___: None,
            "email_data": lambda _, record, __: addresses.read_rows(self.world.store, record, email_kind()),
            "phone_data": lambda entity, record, _: addresses.read_rows(self.world.store, record, phone_kind(entity)),
            "email_primary": lambda _, record, __: self._primary(record, email_kind(), "name"),
            "phone_primary": lambda entity, record, _: self._primary(record, phone_kind(entity), "name"),
            "email_opted_out": lambda _, record, __: self._primary(record, email_kind(), "opt_out"),
            "phone_opted_out": lambda entity, record, _: self._primary(record, phone_kind(entity), "opt_out"),
            "email_invalid": lambda _, record, __: self._primary(record, email_kind(), "invalid"),
            "phone_invalid": lambda entity, record, _: self._primary(record, phone_kind(entity), "invalid"),
        }

    def value(self, entity: EntityDef, record: Record, name: str) -> Any:
        """One key."""
        attribute = entity.attributes[name]
        return self._readers[attribute.kind](entity, record, attribute)

    def whole(self, entity: EntityDef, record: Record) -> dict[str, Any]:
        """As GET X/{id} gives it."""
        shown = (each for each in entity.attributes.values() if each.kind != "write_only")
        return {each.name: self.value(entity, record, each.name) for each in shown}

    def row(self, entity: EntityDef, record: Record, select: set[str] | None = None) -> dict[str, Any]:
        """As a list gives it: no …Data, no ids of links to many."""
        listed = [attribute for attribute in entity.attributes.values() if attribute.listed]
        return {
            attribute.name: self._readers[attribute.kind](entity, record, attribute)
            for attribute in listed
            if select is None or attribute.name in select
        }

    def name_of(self, entity_type: str | None, record_id: str | None) -> str | None:
        """The name of a linked record."""
        entity = self.world.entity(entity_type) if entity_type else None
        record = self.world.store.find(entity_type, record_id, deleted=True) if entity_type and record_id else None
        if entity is None or record is None or "name" not in entity.attributes:
            return None
        name = self.value(entity, record, "name")
        return None if name is None else str(name)

    def linked_ids(self, entity: EntityDef, link: str, record_id: str) -> list[str]:
        """Live records linked: many-to-many by the link table, one-to-many by the other side's column."""
        spec = entity.links.get(link, {})
        foreign_type = str(spec.get("entity", ""))
        if "relationName" in spec:
            ids = self.world.store.linked(entity.name, link, record_id)
            return [each for each in ids if self.world.store.find(foreign_type, each)]
        column = f"{spec.get('foreign')}Id"
        return [each.id for each in self.world.store.live(foreign_type) if each.values.get(column) == record_id]

    def _column(self, entity: EntityDef, record: Record, attribute: Attribute) -> Any:
        value = record.values.get(attribute.name)
        if value is None:
            kind = entity.type_of(attribute.field)
            if kind == "bool":
                return False
            if kind == "jsonObject":
                return {}
            if kind in EMPTY_ARRAY_TYPES and (kind == "jsonArray" or not self.world.settings.is_legacy):
                return []
        return value

    def _link_name(self, entity: EntityDef, record: Record, attribute: Attribute) -> Any:
        foreign = entity.links.get(attribute.field, {}).get("entity")
        return self.name_of(foreign, record.values.get(f"{attribute.field}Id"))

    def _parent_name(self, _: EntityDef, record: Record, attribute: Attribute) -> Any:
        return self.name_of(record.values.get(f"{attribute.field}Type"), record.values.get(f"{attribute.field}Id"))

    def _link_names(self, entity: EntityDef, record: Record, attribute: Attribute) -> dict[str, Any]:
        foreign = entity.links.get(attribute.field, {}).get("entity")
        return {each: self.name_of(foreign, each) for each in self.linked_ids(entity, attribute.field, record.id)}

    def _of_attachments(self, record: Record, attribute: Attribute, key: str) -> dict[str, Any]:
        found = {}
        for each in record.values.get(f"{attribute.field}Ids") or []:
            attachment = self.world.store.find("Attachment", each)
            found[each] = attachment.values.get(key) if attachment else None
        return found

    def _primary(self, record: Record, kind: addresses.Kind, part: str) -> Any:
        address = addresses.primary_of(self.world.store, record, kind)
        return None if address is None else getattr(address, part)
