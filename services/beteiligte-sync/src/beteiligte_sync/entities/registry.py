"""Every synced entity: a folder beside this file for each noun of the catalogue. The laws run over this registry."""

from __future__ import annotations

from importlib import import_module

from kanzlei.nouns import RECORD_SYNC, Noun, synced_by
from recordsync.mapping.field import EntityMapping


def mapping_of(noun: Noun) -> EntityMapping:
    """`mapping.py` of its folder names it in capitals. TypeError where that is another thing than its mapping."""
    module = import_module(f"beteiligte_sync.entities.{noun.name}.mapping")
    found = getattr(module, noun.name.upper(), None)
    if not isinstance(found, EntityMapping) or (found.entity, found.left_type) != (noun.name, noun.espocrm):
        raise TypeError(f"{module.__name__} has no mapping of {noun.name}")
    return found


REGISTRY: tuple[EntityMapping, ...] = tuple(mapping_of(noun) for noun in synced_by(RECORD_SYNC))
