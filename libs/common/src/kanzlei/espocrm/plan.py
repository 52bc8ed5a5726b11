"""Which calls bring an EspoCRM to what we need. Pure: the same EspoCRM gives the same plan, a finished one none.

Nothing is deleted, renamed or narrowed: options are added, rights and limits only raised, what a customer made stays.
What can't be changed so (a type) is `blocked`, and a person's task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanzlei.espocrm.compare_fields import fits, lacks_versions, link_name
from kanzlei.espocrm.layout import detail_with, filters_with
from kanzlei.espocrm.observed import EMPTY, Installation, Json, part
from kanzlei.espocrm.schema import EntitySpec, FieldSpec, LinkSpec, Target, level

PREFIX = "C"
ROLE_ID = "the id of our role"
"""Stands in a body for the id that the answer to the role's creation has."""


@dataclass(frozen=True, slots=True)
class Administration:
    """What only an administrator sees. `layouts`: (scope, name) → layout, None where it can't be read."""

    installation: Installation
    role: Json | None = None
    user: Json | None = None
    job: Json | None = None
    layouts: Mapping[tuple[str, str], Sequence[Any] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One call. `layout`: names of fields to add to the layout at `path`, which is read right before; then no body."""

    kind: str
    what: str
    why: str
    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    layout: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True)
class Blocked:
    """What no call of ours may change."""

    what: str
    why: str
    mend: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` in the order in which they have to be done."""

    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...] = ()


def plan(seen: Administration, target: Target, *, auth: str = "ApiKey") -> Plan:
    """`auth`: how a new API user proves who it is, `ApiKey` or `Hmac`."""
    observed = seen.installation
    steps = [
        *(_create_entity(entity) for entity in target.entities if entity.custom and _is_missing(observed, entity)),
        *(_version(entity) for entity in target.entities if lacks_versions(observed, entity)),
        *(step for entity in target.entities for step in _fields(observed, entity)),
        *(_create_link(link) for link in target.links if _lacks(observed, link)),
        *(step for entity in target.entities for step in _layouts(seen, entity)),
        *_role(seen, target),
        *_user(seen, target, auth),
        *_job(seen, target),
    ]
    return Plan(tuple(steps), tuple(_blocked(seen, target)))


def _is_missing(observed: Installation, entity: EntitySpec) -> bool:
    return not observed.definitions.get(entity.scope)


def _create_entity(entity: EntitySpec) -> Step:
    body = {
        "name": entity.scope.removeprefix(PREFIX),
        "type": entity.kind,
        "stream": entity.stream,
        "labelSingular": entity.label,
        "labelPlural": entity.label,
    }
    what = f"{entity.scope} ({entity.kind})"
    return Step("entity", what, "there is none", "POST", "/EntityManager/action/createEntity", body)


def _version(entity: EntitySpec) -> Step:
    body = {"name": entity.scope, "optimisticConcurrencyControl": True}
    why = "two who save at once would not hear of each other"
    return Step("entity", f"{entity.scope}: versions", why, "POST", "/EntityManager/action/updateEntity", body)


def _fields(observed: Installation, entity: EntitySpec) -> Iterator[Step]:
    for spec in entity.fields:
        name = entity.field_name(spec)
        there = observed.field(entity.scope, name)
        if there is None and not spec.built_in:
            yield _create_field(entity, spec)
        elif there is None and _is_missing(observed, entity):
            # EspoCRM brings it along with the entity, as it is by default.
            there = {"type": spec.type, "required": name == "lastName"}
            yield from _adjust_field(entity, spec, there)
        elif there is not None and fits(spec, there):
            yield from _adjust_field(entity, spec, there)


def _create_field(entity: EntitySpec, spec: FieldSpec) -> Step:
    body: dict[str, Any] = {"name": spec.name, "label": spec.label, "type": spec.type, **spec.params}
    if spec.options:
        body["options"] = list(spec.options)
    if spec.max_length:
        body["maxLength"] = spec.max_length
    if spec.default is not None or spec.options:
        body["default"] = spec.default
    path = f"/Admin/fieldManager/{entity.scope}"
    return Step("field", f"{entity.scope}.{entity.field_name(spec)} ({spec.type})", "is missing", "POST", path, body)


def _adjust_field(entity: EntitySpec, spec: FieldSpec, there: Json) -> Iterator[Step]:
    changes = dict(_changes(spec, there))
    if not changes:
        return
    name = entity.field_name(spec)
    # Field Manager keeps what is not sent.
    body = {"name": name, "type": there.get("type", spec.type), **changes}
    why = ", ".join(f"{key} {_shown(there.get(key), value)}" for key, value in changes.items())
    path = f"/Admin/fieldManager/{entity.scope}/{name}"
    yield Step("field", f"{entity.scope}.{name}", why, "PUT", path, body)


def _changes(spec: FieldSpec, there: Json) -> Iterator[tuple[str, Any]]:
    """Only what makes room: options and kinds added, lengths and counts raised, `required` and `readOnly` off."""
    if spec.options and there.get("type") == "enum" and not there.get("optionsReference"):
        is_stock = bool(spec.stock_options) and there.get("options") == list(spec.stock_options)
        yield from _added("options", spec.options, {} if is_stock else there)
    yield from _added("typeList", spec.type_list, there)
    if spec.least_count and _number(there.get("maxCount")) < spec.least_count:
        yield "maxCount", spec.least_count
    held = there.get("maxLength")
    if spec.max_length and isinstance(held, int) and held < spec.max_length and there.get("type") == spec.type:
        yield "maxLength", spec.max_length
    if spec.optional and there.get("required"):
        yield "required", False
    if there.get("readOnly"):
        yield "readOnly", False


def _added(name: str, wanted: Sequence[str], there: Json) -> Iterator[tuple[str, Any]]:
    given = there.get(name)
    held = list(given) if isinstance(given, list) else []
    lacking = [each for each in wanted if each not in held]
    if lacking:
        yield name, [*held, *lacking]


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _shown(before: Any, after: Any) -> str:
    if isinstance(after, list):
        added = [each for each in after if not isinstance(before, list) or each not in before]
        return f"+ {', '.join(repr(each) for each in added)}"
    return f"{'not set' if before is None else before} -> {after}"


def _lacks(observed: Installation, link: LinkSpec) -> bool:
    return link_name(observed, link.entity, link.link, link.foreign_entity) is None


def _create_link(link: LinkSpec) -> Step:
    body = {
        "entity": link.entity,
        "link": link.link,
        "entityForeign": link.foreign_entity,
        "linkForeign": link.foreign_link,
        "linkType": link.kind,
        "label": link.foreign_entity.removeprefix(PREFIX),
        "labelForeign": link.entity.removeprefix(PREFIX),
        "relationName": link.relation,
        "linkMultipleField": False,
        "linkMultipleFieldForeign": False,
    }
    what = f"{link.entity}.{link.link} -> {link.foreign_entity}.{link.foreign_link} ({link.kind})"
    return Step("link", what, "is missing", "POST", "/EntityManager/action/createLink", body)


def _layouts(seen: Administration, entity: EntitySpec) -> Iterator[Step]:
    names = [entity.field_name(spec) for spec in entity.fields if not spec.built_in]
    wanted = {"detail": names, "filters": [name for name in names if name in ("syncStatus", "xaiSyncStatus")]}
    for layout, shown in wanted.items():
        there = seen.layouts.get((entity.scope, layout))
        if there is None and not _is_missing(seen.installation, entity):
            continue
        after = (detail_with if layout == "detail" else filters_with)(there or [], shown)
        if shown and after != list(there or []):
            where = f"/{entity.scope}/layout/{layout}"
            yield Step("layout", f"{entity.scope} {layout}", "fields are not shown", "PUT", where, layout=tuple(shown))


def _role(seen: Administration, target: Target) -> Iterator[Step]:
    role = target.role
    wanted: dict[str, Any] = {**role.scopes, **dict.fromkeys(role.flags, True)}
    if seen.role is None:
        body = {"name": role.name, **role.permissions, "data": wanted}
        yield Step("role", role.name, "there is none", "POST", "/Role", body)
        return
    given = part(seen.role, "data")
    data = {scope: _raised(given.get(scope), rights) for scope, rights in wanted.items()}
    raised = sorted(scope for scope, rights in data.items() if rights != given.get(scope))
    permissions = {n: v for n, v in role.permissions.items() if level(v) > level(seen.role.get(n))}
    if raised or permissions:
        body = {**permissions, "data": {**given, **data}}
        yield Step(
            "role", role.name, f"rights: {', '.join([*permissions, *raised])}", "PUT", _of("Role", seen.role), body
        )


def _raised(given: Any, wanted: Any) -> Any:
    """Each right at least as wanted; the same object where nothing is to be raised."""
    if not isinstance(wanted, Mapping):
        return given or wanted
    held = given if isinstance(given, Mapping) else EMPTY
    higher = {action: value for action, value in wanted.items() if level(value) > level(held.get(action))}
    return {**(held or wanted), **higher} if higher or not held else given


def _user(seen: Administration, target: Target, auth: str) -> Iterator[Step]:
    role_id = str(seen.role["id"]) if seen.role else ROLE_ID
    name = target.user_name
    if seen.user is None:
        body = {
            "userName": name,
            "type": "api",
            "authMethod": auth,
            "lastName": name,
            "isActive": True,
            "rolesIds": [role_id],
        }
        yield Step("user", f"API user {name} ({auth})", "there is none", "POST", "/User", body)
        return
    if seen.user.get("type") != "api":
        return
    body, roles = {}, [str(each) for each in seen.user.get("rolesIds") or []]
    if role_id not in roles:
        body["rolesIds"] = [*roles, role_id]
    if seen.user.get("isActive") is False:
        body["isActive"] = True
    if body:
        why = "has not our role, or is not active"
        yield Step("user", f"API user {name}", why, "PUT", _of("User", seen.user), body)


def _job(seen: Administration, target: Target) -> Iterator[Step]:
    job = target.job
    wanted = {"scheduling": job.scheduling, "status": "Active"}
    if seen.job is None:
        body = {"name": job.name, "job": job.job, **wanted}
        yield Step("job", job.name, "there is none", "POST", "/ScheduledJob", body)
        return
    body = {name: value for name, value in wanted.items() if seen.job.get(name, value) != value}
    if body:
        why = f"{seen.job.get('scheduling')}, {seen.job.get('status')} -> {job.scheduling}, Active"
        yield Step("job", job.name, why, "PUT", _of("ScheduledJob", seen.job), body)


def _of(entity_type: str, record: Json) -> str:
    return f"/{entity_type}/{record['id']}"


def _blocked(seen: Administration, target: Target) -> Iterator[Blocked]:
    for entity in target.entities:
        kind = seen.installation.scopes.get(entity.scope, EMPTY).get("type")
        if entity.custom and kind and kind != entity.kind:
            yield Blocked(entity.scope, f"its type is {kind}, needed is {entity.kind}", "EspoCRM can't change a type")
        for spec in entity.fields:
            name = entity.field_name(spec)
            there = seen.installation.field(entity.scope, name)
            if there is not None and not fits(spec, there):
                why = f"its type is {there.get('type')}, needed is {spec.type}"
                yield Blocked(f"{entity.scope}.{name}", why, "rename the field in Field Manager, then run this again")
        if not entity.custom and _is_missing(seen.installation, entity):
            yield Blocked(entity.scope, "EspoCRM's own type is switched off", "switch it on in Entity Manager")
    if seen.user is not None and seen.user.get("type") != "api":
        why = f"a user of type {seen.user.get('type')} has this name"
        yield Blocked(f"user {target.user_name}", why, "choose another name with --user")
