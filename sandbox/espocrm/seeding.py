"""State from outside: records as the API shows them, turned back into stored ones; no events, notes or checks."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import values
from sandbox.espocrm.attachments import decode
from sandbox.espocrm.duplicates import index_record
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.store import Address, Record
from sandbox.espocrm.views import phone_kind

TEXTS = ("varchar", "text", "enum", "date", "datetime", "url", "link")
DATA_KEYS = {"emailAddress": "emails", "phoneNumber": "phones"}


class Seeder:
    """Writes straight into the store."""

    def __init__(self, service: RecordService) -> None:
        self.service = service
        self.world = service.world

    def seed(self, given: dict[str, list[dict[str, Any]]]) -> int:
        """`{entity type: [record as GET shows it, …]}`; a known id is changed in the keys given. Answers how many."""
        count = 0
        for entity_type, rows in given.items():
            entity = self.world.metadata.entities[entity_type]
            for row in rows:
                self._seed_one(entity, row)
                count += 1
        return count

    def _seed_one(self, entity: EntityDef, row: dict[str, Any]) -> None:
        store = self.world.store
        record_id = str(row["id"])
        record = store.find(entity.name, record_id, deleted=True)
        if record is None:
            now = self.world.clock.stamp()
            record = Record(entity.name, record_id, {"createdAt": now, "modifiedAt": now})
            for name, spec in entity.fields.items():
                if spec.get("default") is not None:
                    record.values[name] = spec["default"]
            if entity.flag("optimisticConcurrencyControl"):
                record.values["versionNumber"] = 1
        self._columns(entity, record, row)
        record.deleted = bool(row.get("deleted", record.deleted))
        record.followers = list(row.get("followersIds", record.followers))
        store.add(record)
        for field in DATA_KEYS:
            self._addresses(entity, record, field, row)
        self._links(entity, record, row)
        if "number" in row and isinstance(row["number"], int):
            store.numbers[entity.name] = max(store.numbers.get(entity.name, 0), row["number"])
        if "_content" in row:
            store.contents[record_id] = decode(str(row["_content"]))
        index_record(store, entity, record)

    @staticmethod
    def _columns(entity: EntityDef, record: Record, row: dict[str, Any]) -> None:
        for key, value in row.items():
            attribute = entity.attributes.get(key)
            if key == "versionNumber":
                record.values[key] = value
            elif attribute is not None and attribute.stored:
                record.values[key] = _column_value(entity.type_of(attribute.field), value)
        if entity.is_person and row.get("name") and "lastName" not in row and "lastName" not in record.values:
            record.values["lastName"] = row["name"]

    def _addresses(self, entity: EntityDef, record: Record, field: str, row: dict[str, Any]) -> None:
        if field not in entity.fields or not {field, f"{field}Data"} & set(row):
            return
        rows = row.get(f"{field}Data")
        if rows is None:
            rows = (
                [
                    {
                        field: row[field],
                        "primary": True,
                        "optOut": row.get(f"{field}IsOptedOut"),
                        "invalid": row.get(f"{field}IsInvalid"),
                    }
                ]
                if row.get(field)
                else []
            )
        before = list(record.emails)
        is_email = field == "emailAddress"
        table = self.world.store.emails if is_email else self.world.store.phones
        pairs = []
        for each in rows:
            name = str(each[field])
            key = name.lower() if is_email else name
            kind = None if is_email else each.get("type") or phone_kind(entity).default_type
            table[key] = Address(name, kind, bool(each.get("optOut")), bool(each.get("invalid")))
            pairs.append((key, bool(each.get("primary"))))
        setattr(record, DATA_KEYS[field], pairs)
        if is_email:
            self.world.store.index_emails(record, before)

    def _links(self, entity: EntityDef, record: Record, row: dict[str, Any]) -> None:
        """Links to many, from …Ids or, for any link, from `_links`: {link: [id, …]}."""
        wanted = {
            attribute.field: row[attribute.name]
            for attribute in entity.attributes.values()
            if attribute.kind == "link_ids" and isinstance(row.get(attribute.name), list)
        }
        for link, ids in {**wanted, **row.get("_links", {})}.items():
            known = self.service.views.linked_ids(entity, link, record.id)
            for each in set(known) - set(ids):
                self.service.set_link(entity, link, record.id, each, linked=False)
            for each in ids:
                self.service.set_link(entity, link, record.id, str(each), linked=True)

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """All live records, whole."""
        views, store = self.service.views, self.world.store
        return {
            name: [views.whole(entity, record) for record in store.live(name)]
            for name, entity in self.world.metadata.entities.items()
        }


def _column_value(kind: str | None, value: Any) -> Any:
    """A value as a column of that type can hold it."""
    if value is None:
        return None
    if kind == "int":
        return values.integer(value, {})
    if kind == "bool":
        return bool(value)
    return str(value) if kind in TEXTS and not isinstance(value, str) else value
