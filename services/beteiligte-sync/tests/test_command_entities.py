"""Which entity a person means who types its name, and that the registry is the catalogue's."""

from __future__ import annotations

import pytest

from beteiligte_sync.commands.entities import UnknownEntity, find
from beteiligte_sync.entities.registry import REGISTRY, mapping_of
from kanzlei.nouns import RECORD_SYNC, Noun, synced_by


@pytest.mark.parametrize("name", ["CAdressen", "cadressen", "adressen"])
def test_an_entity_is_found_by_either_name(name: str) -> None:
    entity = find(name)
    assert (entity.mapping.entity, entity.service) == ("adressen", "beteiligte-sync")


def test_what_is_not_there_is_said_with_what_there_is() -> None:
    with pytest.raises(UnknownEntity, match="Es gibt: CBeteiligte, CBankverbindungen, CAdressen"):
        find("CFahrzeug")


def test_the_registry_is_the_catalogue() -> None:
    owned = {(noun.name, noun.espocrm, noun.parent) for noun in synced_by(RECORD_SYNC)}
    assert owned == {(m.entity, m.left_type, m.child_of.entity if m.child_of else "") for m in REGISTRY}


def test_a_mapping_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="no mapping of adressen"):
        mapping_of(Noun(name="adressen", espocrm="CVermerke"))
