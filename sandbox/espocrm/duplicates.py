"""Who counts as a duplicate on create: the same name, or one of the same e-mail addresses."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record, Store


def _key(entity: EntityDef, values: dict[str, Any]) -> str:
    rule = entity.flags.get("duplicates")
    if rule == "person" and (values.get("firstName") or values.get("lastName")):
        return f"{values.get('firstName') or ''}\x00{values.get('lastName') or ''}"
    return str(values.get("name") or "") if rule == "company" else ""


def index_record(store: Store, entity: EntityDef, record: Record) -> None:
    """Keep the index of names in step with a stored record."""
    if entity.flags.get("duplicates"):
        store.index_name(record, _key(entity, record.values))


def find_duplicates(store: Store, entity: EntityDef, current: dict[str, Any]) -> list[Record]:
    """Live records that the new one would double, newest first."""
    if not entity.flags.get("duplicates"):
        return []
    key = _key(entity, current)
    ids = set(store.named(entity.name, key)) if key else set()
    rows = current.get("emailAddressData") or []
    given = [current.get("emailAddress"), *(row.get("emailAddress") for row in rows if isinstance(row, dict))]
    for address in given:
        if address:
            ids |= store.with_email(entity.name, str(address))
    found = [record for each in ids if (record := store.find(entity.name, each)) is not None]
    return sorted(found, key=lambda record: (str(record.values.get("createdAt")), record.id), reverse=True)
