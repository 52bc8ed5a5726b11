"""The declaration holds what the mappings read and write, and what the contract's page says."""

from __future__ import annotations

import re

import pytest

from beteiligte_sync.entities.registry import REGISTRY
from deploy.local.table import ROOT
from kanzlei.espocrm.schema import PERSON, EntitySpec
from kanzlei.espocrm.target import ADRESSEN, BANKVERBINDUNGEN, BETEILIGTE, LEGAL_FORMS, SALUTATIONS, target
from kanzlei.espocrm.target_parts import PART_NAMES
from kanzlei.nouns import BY_PATH
from recordsync.mapping.field import Attribute, ByKind, EntityMapping, Field, Place
from recordsync.states import SyncStatus
from synckit.reconcile.plan import Direction
from synckit.reconcile.policy import Unmappable

PAGE = (ROOT / "docs" / "contracts" / "espocrm-entities.md").read_text()
FULL = target(PART_NAMES)
STATE = (
    "syncStatus",
    "syncErrorMessage",
    "syncRetryCount",
    "syncNextRetry",
    "advowareDeletedAt",
    "advowareLastSync",
    "advowareRowId",
)
each_mapping = pytest.mark.parametrize("mapping", REGISTRY, ids=lambda mapping: str(mapping.entity))


def places(place: Place) -> list[Attribute]:
    return list(place.kinds.values()) if isinstance(place, ByKind) else [place]


def declared(mapping: EntityMapping) -> EntitySpec:
    found = FULL.entity(mapping.left_type)
    assert found is not None
    return found


def attributes(entity: EntitySpec) -> set[str]:
    """Of its fields and of its links' ends."""
    own = {name for spec in entity.fields for name in spec.attributes()}
    return own | {f"{link.foreign_link}Id" for link in FULL.links if link.foreign_entity == entity.scope}


@each_mapping
def test_every_attribute_of_a_mapping_is_declared(mapping: EntityMapping) -> None:
    used = {place.name for field in mapping.fields for place in places(field.left)} | {mapping.link_attribute}
    used |= {name for name in STATE if name not in mapping.state.lacks}
    if mapping.child_of is not None:
        used.add(mapping.child_of.attribute)
    if mapping.lists is not None:
        used |= {"emailAddressData", "phoneNumberData"}
    assert used - attributes(declared(mapping)) == set()


@each_mapping
def test_a_declared_field_holds_what_the_mapping_lets_through(mapping: EntityMapping) -> None:
    lengths = {spec.name: spec.max_length for spec in declared(mapping).fields if spec.max_length}
    for field in mapping.fields:
        for place in places(field.left):
            if place.name in lengths and place.max_length is not None:
                assert lengths[place.name] == place.max_length, place.name


@each_mapping
def test_every_state_that_is_shown_is_an_option(mapping: EntityMapping) -> None:
    state = next(spec for spec in declared(mapping).fields if spec.name == "syncStatus")
    shown = {mapping.state.fitted({"syncStatus": one.value}).get("syncStatus") for one in SyncStatus}
    if not mapping.state.has_manual_action:
        shown -= {SyncStatus.MANUAL_ACTION.value}
    assert shown - {None} - set(state.options) == set()


@each_mapping
def test_every_value_that_a_codec_writes_is_an_option(mapping: EntityMapping) -> None:
    options = {spec.name: set(spec.options) for spec in declared(mapping).fields if spec.options}
    for field in mapping.fields:
        for place in places(field.left):
            for word in (*LEGAL_FORMS, *SALUTATIONS, "Sonstiges Wort"):
                if place.name in options and field.direction is not Direction.TO_RIGHT:
                    told = _written(field, word)
                    assert told is None or told in options[place.name], f"{place.name}: {told}"


def _written(field: Field, word: str) -> object:
    """What stands in EspoCRM where Advoware says `word`; None where the codec has no counterpart."""
    try:
        return field.codec.print_left(field.codec.to_left(field.codec.read_right(word)))
    except Unmappable:
        return None


def test_every_noun_with_webhooks_is_declared() -> None:
    assert {noun.espocrm for noun in BY_PATH.values()} <= {entity.scope for entity in target().entities}


@pytest.mark.parametrize("entity", FULL.entities, ids=lambda entity: str(entity.scope))
def test_the_contracts_page_names_every_declared_field(entity: EntitySpec) -> None:
    section = _section(entity.scope)
    named = set(re.findall(r"`(\w+)[ `↔→]", section))
    ours = {spec.attributes() for spec in entity.fields if spec.name != "name" or entity.scope == "CDokumente"}
    missing = [names for names in ours if not set(names) & named]
    assert missing == []


@pytest.mark.parametrize("entity", [BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN], ids=lambda entity: str(entity.scope))
def test_the_contracts_page_names_no_field_that_is_not_declared(entity: EntitySpec) -> None:
    section = _section(entity.scope)
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, flags=re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    links = {link.link for link in FULL.links} | {"assignedUserId"}
    assert named - attributes(entity) - links == set()


def test_the_contracts_page_lists_the_same_options() -> None:
    for entity in (BETEILIGTE, ADRESSEN):
        for spec in entity.fields:
            for option in spec.options:
                assert not option or option in _section(entity.scope), f"{spec.name}: {option}"


def test_a_company_needs_no_surname() -> None:
    assert BETEILIGTE.kind == PERSON
    assert next(spec for spec in BETEILIGTE.fields if spec.name == "lastName").optional


def _section(scope: str) -> str:
    """The page's section on the type, and where it can have a collection that section as well."""
    found = [part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE) if scope in part.splitlines()[0]]
    assert found, scope
    return "\n".join(found)
