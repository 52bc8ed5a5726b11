"""Which entities there are: services announce theirs as entry points of the group `synckit.entities`.

The entry point's name is the service, and so its consumer group; its value a tuple of mappings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from recordsync.mapping.field import EntityMapping

GROUP = "synckit.entities"


class UnknownEntity(Exception):
    """The name is none of the installed ones, or nothing is installed. The text says what there is."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One synced noun and the service that syncs it."""

    mapping: EntityMapping
    service: str


def find(name: str, found: Iterable[EntryPoint] | None = None) -> Entity:
    """By EspoCRM's name (`CBeteiligte`) or by ours (`beteiligte`), in any case."""
    known = [Entity(mapping, each.name) for each in _announced(found) for mapping in each.load()]
    if not known:
        raise UnknownEntity(
            f"Kein Dienst ist installiert, der Datensätze abgleicht (Gruppe {GROUP}). Bitte dort aufrufen, wo"
            " beteiligte-sync installiert ist."
        )
    wanted = name.casefold()
    for entity in known:
        if wanted in (entity.mapping.left_type.casefold(), entity.mapping.entity.casefold()):
            return entity
    names = ", ".join(entity.mapping.left_type for entity in known)
    raise UnknownEntity(f"{name!r} wird nicht abgeglichen. Es gibt: {names}.")


def _announced(found: Iterable[EntryPoint] | None) -> list[EntryPoint]:
    return sorted(set(entry_points(group=GROUP) if found is None else found), key=lambda each: each.name)
