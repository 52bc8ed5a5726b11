"""A record in memory between request and store, and the hooks by which some record types differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm import values
from sandbox.espocrm.access import unwritable_attributes
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User
from sandbox.espocrm.views import person_name

NAME_PARTS = ("firstName", "lastName", "middleName")


@dataclass
class Draft:
    """`fetched` is what was read, `current` what is in memory now, `sent` the keys that the client wrote."""

    entity: EntityDef
    record: Record
    user: User
    fetched: dict[str, Any] = field(default_factory=dict)
    current: dict[str, Any] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)

    def set(self, data: dict[str, Any]) -> None:
        """Take the client's keys over as EspoCRM's entity would: unknown, read-only and forbidden ones are dropped."""
        kept_out = unwritable_attributes(self.user, self.entity)
        for key, value in data.items():
            attribute = self.entity.attributes.get(key)
            if attribute is None or not attribute.writable or key in kept_out:
                continue
            spec = self.entity.fields[attribute.field]
            self.current[key] = values.clean(spec, attribute.field, key, value)
            self.sent.add(key)
            if key in NAME_PARTS and self.entity.is_person:
                self._compute_name()

    def _compute_name(self) -> None:
        """A person's name follows its parts once both are known in memory."""
        if "firstName" in self.current and "lastName" in self.current:
            self.current["name"] = person_name(self.current)

    def set_defaults(self) -> None:
        """Defaults of the definition; bools are false without one."""
        for name, spec in self.entity.fields.items():
            kind = spec["type"]
            if kind in ("email", "phone"):
                self.current.setdefault(f"{name}IsOptedOut", False)
                self.current.setdefault(f"{name}IsInvalid", False)
            elif "default" in spec or kind == "bool":
                self.current.setdefault(name, spec.get("default", False))


class Hooks:
    """What a record type does beyond the ordinary; the base does nothing."""

    def filter_create(self, user: User, data: dict[str, Any]) -> dict[str, Any]:
        """Look at the client's keys before anything else."""
        return data

    def before_create(self, draft: Draft) -> None:
        """After validation, before it is stored."""

    def after_create(self, draft: Draft) -> None:
        """Once it is stored."""

    def shape_created(self, draft: Draft, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer of POST."""
        return answer

    def before_update(self, draft: Draft) -> None:
        """After validation, before it is stored."""

    def after_update(self, draft: Draft) -> None:
        """Once it is stored."""

    def after_delete(self, record: Record) -> None:
        """Once it is deleted."""

    def shape_read(self, record: Record, shown: dict[str, Any]) -> dict[str, Any]:
        """One record as it is read, or as it is after an update."""
        return shown

    def shape_row(self, user: User, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a list."""
        return row

    def visible(self, user: User, record: Record) -> bool:
        """True where the user may see the record at all."""
        return True
