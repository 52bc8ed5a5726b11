"""Erasing personal data of one record: what EspoCRM's data privacy does, and what it leaves behind."""

from __future__ import annotations

from sandbox.espocrm import access
from sandbox.espocrm.drafts import Draft
from sandbox.espocrm.errors import forbidden, not_found
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.store import Address, Record
from sandbox.espocrm.users import User
from sandbox.espocrm.world import World

ERASED = "ERASED:"
LISTS = {"email": "emails", "phone": "phones"}


class Eraser:
    """Mails and numbers become ERASED:<id> (on every record that shares them), all other fields become empty."""

    def __init__(self, world: World, records: RecordService) -> None:
        self.world = world
        self.records = records

    def erase(self, user: User, entity_type: str, record_id: str, fields: list[str]) -> None:
        """Erase the named fields; saved without validation, and told like any other change."""
        if not user.is_admin and user.role.permissions.get("dataPrivacy", "no") == "no":
            raise forbidden()
        entity = self.world.entity(entity_type)
        record = self.world.store.find(entity_type, record_id) if entity else None
        if entity is None or record is None:
            raise not_found()
        access.require(user, entity, "edit", record)
        locked = access.unwritable_attributes(user, entity)
        for name in fields:
            if locked.intersection(entity.attributes_of_field(name)):
                raise forbidden(f"Field '{name}' is forbidden to edit.")
        draft = self.records.draft(user, entity, record)
        for name in fields:
            self._erase_field(draft, name)
        self.records.save_changed(draft)

    def _erase_field(self, draft: Draft, name: str) -> None:
        kind = draft.entity.type_of(name)
        if kind in LISTS:
            self._erase_points(draft.record, kind)
            for key in draft.entity.attributes_of_field(name):
                draft.current[key] = self.records.views.value(draft.entity, draft.record, key)
            return
        for key in draft.entity.attributes_of_field(name):
            attribute = draft.entity.attributes[key]
            if attribute.writable and (attribute.stored or attribute.kind == "person_name"):
                draft.current[key] = None
        if kind == "personName":
            draft.current.update(dict.fromkeys(_name_parts(draft.entity)))

    def _erase_points(self, record: Record, kind: str) -> None:
        store = self.world.store
        table: dict[str, Address] = store.emails if kind == "email" else store.phones
        before = list(record.emails)
        for key, _ in list(getattr(record, LISTS[kind])):
            address = table.pop(key)
            address.name = ERASED + store.new_id()
            address.opt_out = address.opt_out or kind == "email"
            new_key = address.name.lower() if kind == "email" else address.name
            table[new_key] = address
            store.rename_address(LISTS[kind], key, new_key)
        if kind == "email":
            store.index_emails(record, before)


def _name_parts(entity: EntityDef) -> list[str]:
    return [
        key for key in ("salutationName", "firstName", "lastName", "middleName", "name") if key in entity.attributes
    ]
