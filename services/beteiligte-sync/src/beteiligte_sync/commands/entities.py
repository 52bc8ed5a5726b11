"""Which entity a person means who types its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beteiligte_sync.entities.registry import REGISTRY
from kanzlei.nouns import RECORD_SYNC
from recordsync.mapping.field import EntityMapping


class UnknownEntity(Exception):
    """The name is none of the synced ones. The text says what there is."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One synced noun and the service that syncs it, which is its consumer group."""

    mapping: EntityMapping
    service: str = RECORD_SYNC


def find(name: str, registry: Iterable[EntityMapping] = REGISTRY) -> Entity:
    """By EspoCRM's name (`CBeteiligte`) or by ours (`beteiligte`), in any case. UnknownEntity where there is none."""
    wanted, known = name.casefold(), tuple(registry)
    for mapping in known:
        if wanted in (mapping.left_type.casefold(), mapping.entity.casefold()):
            return Entity(mapping)
    names = ", ".join(mapping.left_type for mapping in known)
    raise UnknownEntity(f"{name!r} wird nicht abgeglichen. Es gibt: {names}.")
