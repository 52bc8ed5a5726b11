"""Entities, fields and links against the declaration. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kanzlei.espocrm.difference import Difference, error, warning
from kanzlei.espocrm.observed import EMPTY, Installation, Json, part
from kanzlei.espocrm.schema import EntitySpec, FieldSpec, LinkSpec, Target

INSTALL = "run `python -m kanzlei.espocrm install`"
FITTING: Mapping[str, frozenset[str]] = {
    "varchar": frozenset({"varchar", "text"}),
    "enum": frozenset({"enum", "varchar", "text"}),
    "datetime": frozenset({"datetime", "datetimeOptional"}),
}
"""Types that hold all values of a declared one; for others only the type itself."""
_FILLED_BY_ESPOCRM = frozenset({"id", "name", "createdAt", "createdBy", "modifiedAt", "modifiedBy"})


def entity_differences(observed: Installation, target: Target) -> Iterator[Difference]:
    """In the declaration's order; of a missing entity nothing else is said."""
    for entity in target.entities:
        if not observed.definitions.get(entity.scope):
            yield _missing_entity(entity)
            continue
        yield from _entity(observed, entity)
        for spec in entity.fields:
            yield from _field(observed, entity, spec)
        yield from _required_by_others(observed, entity, target)
    for link in target.links:
        if _link_is_missing(observed, link):
            yield _missing_link(link)


def fits(spec: FieldSpec, there: Json) -> bool:
    """Whether the type of a field that is there holds all that ours would."""
    return there.get("type") in FITTING.get(spec.type, {spec.type})


def lacks_versions(observed: Installation, entity: EntitySpec) -> bool:
    """Whether a write can't name a version although it shall."""
    return entity.versioned and not part(observed.definitions, entity.scope).get("optimisticConcurrencyControl")


def missing_options(spec: FieldSpec, there: Json) -> list[str]:
    """Options that the field lacks. None where it takes them from elsewhere or is no list of options."""
    given = there.get("options")
    if there.get("type") != "enum" or not isinstance(given, list):
        return []
    return [option for option in spec.options if option not in given]


def missing_types(spec: FieldSpec, there: Json) -> list[str]:
    given = there.get("typeList")
    return [kind for kind in spec.type_list if kind not in given] if isinstance(given, list) else []


def _missing_entity(entity: EntitySpec) -> Difference:
    return error(
        "entity-missing",
        entity.scope,
        "there is no such entity type, or our role sees nothing of it",
        f"none of its records is synced; an event of one ends in the dead letters ({entity.label})",
        f"{INSTALL}, or give the role read access to {entity.scope}",
    )


def _entity(observed: Installation, entity: EntitySpec) -> Iterator[Difference]:
    flags = observed.scopes.get(entity.scope, EMPTY)
    kind = flags.get("type")
    if entity.custom and kind and kind != entity.kind:
        yield error(
            "entity-type",
            entity.scope,
            f"its type is {kind}, needed is {entity.kind}",
            "name, mail and phone are not where we look for them, so they are not synced",
            f"EspoCRM can't change a type: make a new {entity.kind} entity and move the records, or ask us first",
        )
    if entity.stream and flags and not flags.get("stream"):
        yield warning(
            "stream-off",
            entity.scope,
            "its stream is switched off",
            "a note for a record without an assigned user can be posted nowhere",
            f"Administration > Entity Manager > {entity.scope}: switch Stream on",
        )
    if lacks_versions(observed, entity):
        yield warning(
            "versions-off",
            entity.scope,
            "its optimistic concurrency control is switched off",
            "what a person saves in the moment of our write is not seen, and may be overwritten",
            f"{INSTALL}, or Administration > Entity Manager > {entity.scope}: Optimistic Concurrency Control on",
        )
    if observed.field(entity.scope, "assignedUsers"):
        yield warning(
            "assigned-users",
            entity.scope,
            "it has several assigned users",
            "notes go to the record's stream only, nobody is notified by name",
            f"Administration > Entity Manager > {entity.scope}: switch Multiple Assigned Users off",
        )


def _field(observed: Installation, entity: EntitySpec, spec: FieldSpec) -> Iterator[Difference]:
    name = entity.field_name(spec)
    where = f"{entity.scope}.{name}"
    there = observed.field(entity.scope, name)
    if there is None:
        yield error(
            "field-missing",
            where,
            "the field is missing",
            f"{spec.label} is not synced, and changes of it in Advoware do not arrive",
            INSTALL,
        )
        return
    if not fits(spec, there):
        yield error(
            "field-type",
            where,
            f"its type is {there.get('type')}, needed is {spec.type}",
            f"EspoCRM refuses or alters {spec.label} when it is written",
            f"rename the field in Field Manager, then {INSTALL}",
        )
        return
    yield from _content(spec, there, where)
    yield from _entries(observed, entity, spec, where)
    if entity.scope == "CBeteiligte" and name == "betnr" and not _is_locked(observed, there):
        yield warning(
            "betnr-open",
            where,
            "everyone who may edit the record may change the link to Advoware",
            "a mistyped number ties the record to another party",
            "Entity Manager > CBeteiligte > Fields > betnr > Dynamic Logic: read-only when betnr is not empty",
        )


def _content(spec: FieldSpec, there: Json, where: str) -> Iterator[Difference]:
    if lacking := missing_options(spec, there):
        yield error(
            "option-missing",
            where,
            f"it lacks the options {', '.join(repr(option) for option in lacking)}",
            f"EspoCRM refuses {spec.label} with 400 wherever one of them is to be written",
            INSTALL,
        )
    if lacking := missing_types(spec, there):
        yield error(
            "phone-types",
            where,
            f"its type list lacks {', '.join(lacking)}",
            "EspoCRM refuses all numbers of a record that has one of these",
            INSTALL,
        )
    if spec.optional and there.get("required"):
        yield error(
            "field-required",
            where,
            "it is required",
            f"EspoCRM refuses every record without {spec.label}, a company for its missing surname",
            f"{INSTALL}, or Field Manager > {spec.name}: Required off",
        )
    if there.get("readOnly"):
        yield error(
            "field-read-only",
            where,
            "it is read-only, for us as well",
            f"EspoCRM answers 200 and leaves {spec.label} out",
            f"Field Manager > {spec.name}: Read-only off",
        )
    held = there.get("maxLength")
    if spec.max_length and isinstance(held, int) and held < spec.max_length and there.get("type") == spec.type:
        yield warning(
            "field-too-short",
            where,
            f"it holds {held} characters, needed are {spec.max_length}",
            f"EspoCRM refuses a longer {spec.label}",
            f"{INSTALL}, or Field Manager > {spec.name}: Max Length {spec.max_length}",
        )


def _entries(observed: Installation, entity: EntitySpec, spec: FieldSpec, where: str) -> Iterator[Difference]:
    most = observed.most_entries(entity.scope, spec.name)
    if spec.least_count and most < spec.least_count:
        yield warning(
            "entries-too-few",
            where,
            f"a record may hold {most} of them, needed are {spec.least_count}",
            f"a party with more in Advoware gets none of them: EspoCRM refuses {spec.label} as a whole",
            f"{INSTALL}, or Field Manager > {spec.name}: Max Count {spec.least_count}",
        )


def _required_by_others(observed: Installation, entity: EntitySpec, target: Target) -> Iterator[Difference]:
    """Fields that are not ours and must be filled: nobody at a desk in Advoware can fill them."""
    ours = {entity.field_name(spec) for spec in entity.fields} | _FILLED_BY_ESPOCRM
    ours |= {link.foreign_link for link in target.links if link.foreign_entity == entity.scope}
    creates = target.role.scopes.get(entity.scope, {}).get("create") == "yes"
    for name, there in part(observed.definitions.get(entity.scope), "fields").items():
        is_wanted = isinstance(there, Mapping) and there.get("required") and there.get("default") is None
        if name not in ours and is_wanted and not there.get("disabled"):
            tell = error if creates else warning
            yield tell(
                "field-required",
                f"{entity.scope}.{name}",
                "it is required, and no field of ours",
                "EspoCRM refuses records that come from Advoware without it",
                f"Field Manager > {name}: Required off, or a default",
            )


def _link_is_missing(observed: Installation, link: LinkSpec) -> bool:
    if not (observed.definitions.get(link.entity) and observed.definitions.get(link.foreign_entity)):
        return False
    return link_name(observed, link.entity, link.link, link.foreign_entity) is None


def link_name(observed: Installation, scope: str, name: str, foreign: str) -> str | None:
    """The link's name in EspoCRM: its own types get a `c` before ours. None where it is missing."""
    for each in (name, f"c{name[0].upper()}{name[1:]}"):
        found = observed.link(scope, each)
        if found is not None and found.get("entity") in (foreign, None):
            return each
    return None


def _missing_link(link: LinkSpec) -> Difference:
    return error(
        "link-missing",
        f"{link.entity}.{link.link}",
        f"the link to {link.foreign_entity} is missing",
        f"{link.foreign_entity} belong to nobody, so they are not synced",
        INSTALL,
    )


def _is_locked(observed: Installation, there: Json) -> bool:
    rules = part(part(observed.logic.get("CBeteiligte"), "fields"), "betnr")
    return bool(rules.get("readOnly") or there.get("readOnlyAfterCreate"))
