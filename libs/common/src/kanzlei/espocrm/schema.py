"""The words in which an EspoCRM is declared: entities, fields, links, role, user, job. Pure, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PERSON, BASE = "Person", "Base"
ADDRESS_PARTS = ("Street", "City", "State", "Country", "PostalCode")
LEVELS = ("no", "own", "team", "all")
"""Of a right, from the least to the most; `yes` counts as `all`, `not-set` and absence as `no`."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `built_in`: EspoCRM brings it along, so it is only adjusted, never made.

    `type_list` are the kinds of a phone number, `least_count` how many numbers or mails a record must be able to hold,
    `optional` a field that may not be required, `stock_options` the list that EspoCRM brings along and that ours
    replaces as long as nobody has changed it, `params` what else Field Manager is told when the field is made.
    """

    name: str
    label: str
    type: str
    options: tuple[str, ...] = ()
    max_length: int | None = None
    default: str | int | None = None
    built_in: bool = False
    optional: bool = True
    type_list: tuple[str, ...] = ()
    least_count: int | None = None
    stock_options: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)

    def attributes(self) -> tuple[str, ...]:
        """What the field is in a record's JSON."""
        match self.type:
            case "address":
                return tuple(self.name + part for part in ADDRESS_PARTS)
            case "link" | "file":
                return (f"{self.name}Id", f"{self.name}Name")
            case "email" | "phone":
                return (self.name, f"{self.name}Data")
            case _:
                return (self.name,)


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """An entity type. `custom`: made by us, with EspoCRM's prefix C; else one that EspoCRM has anyway.

    `versioned`: with optimistic concurrency control, so that a write can name the version that it has read.
    """

    scope: str
    kind: str
    label: str
    fields: tuple[FieldSpec, ...]
    stream: bool = False
    custom: bool = True
    versioned: bool = False

    def field_name(self, spec: FieldSpec) -> str:
        """The name that EspoCRM gives the field: on its own types Field Manager puts a `c` before ours."""
        if self.custom or spec.built_in:
            return spec.name
        return f"c{spec.name[0].upper()}{spec.name[1:]}"


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link between two entity types; `relation` names the table of a manyToMany."""

    entity: str
    link: str
    foreign_entity: str
    foreign_link: str
    kind: str = "oneToMany"
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """The rights of our API user: `scopes` is scope → action → level, `flags` are scopes that are only on or off."""

    name: str
    scopes: Mapping[str, Mapping[str, str]]
    flags: tuple[str, ...]
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A scheduled job of EspoCRM."""

    job: str
    name: str
    scheduling: str


@dataclass(frozen=True, slots=True)
class Target:
    """All that an EspoCRM must have for us."""

    entities: tuple[EntitySpec, ...]
    links: tuple[LinkSpec, ...]
    role: RoleSpec
    user_name: str
    job: JobSpec
    oldest_version: tuple[int, ...] = (8, 4)

    def entity(self, scope: str) -> EntitySpec | None:
        return next((each for each in self.entities if each.scope == scope), None)


def level(value: Any) -> int:
    """How much a right lets do: 0 nothing to 3 everything."""
    if value in (True, "yes"):
        return len(LEVELS) - 1
    return LEVELS.index(value) if value in LEVELS else 0
