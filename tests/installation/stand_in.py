"""An EspoCRM without HTTP that takes the steps of a plan: for laws over many starting states."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from kanzlei.espocrm.layout import detail_with, filters_with
from kanzlei.espocrm.observed import Installation
from kanzlei.espocrm.plan import ROLE_ID, Administration, Step

PERSON_FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "personName"},
    "firstName": {"type": "varchar", "maxLength": 100},
    "lastName": {"type": "varchar", "maxLength": 100, "required": True},
    "salutationName": {"type": "enum", "options": ["", "Mr.", "Ms.", "Mrs.", "Dr."]},
    "emailAddress": {"type": "email"},
    "phoneNumber": {"type": "phone", "typeList": ["Mobile", "Office", "Home", "Fax", "Other"]},
    "assignedUser": {"type": "link"},
}
BASE_FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "varchar", "required": True},
    "assignedUser": {"type": "link"},
}
ACCOUNT: dict[str, Any] = {"fields": {"name": {"type": "varchar", "required": True}}, "links": {}}
API_USER_FREE: dict[str, Any] = {"type": "admin"}


def bare() -> Administration:
    """As EspoCRM comes: none of our types, the job every two minutes."""
    return Administration(
        Installation(
            version="10.0.0",
            definitions={"Account": copy.deepcopy(ACCOUNT)},
            scopes={"Account": {"type": "Company", "stream": True}},
            user=API_USER_FREE,
        ),
        job={"id": "j1", "job": "ProcessWebhookQueue", "scheduling": "*/2 * * * *", "status": "Active"},
        layouts={("Account", "detail"): [], ("Account", "filters"): []},
    )


def after(seen: Administration, *steps: Step) -> Administration:
    """The administration once these steps were taken."""
    seen = copy.deepcopy(seen)
    for step in steps:
        seen = _TAKEN[step.kind](seen, step)
    return seen


def _entity(seen: Administration, step: Step) -> Administration:
    if step.path.endswith("updateEntity"):
        changed = seen.installation.definitions[step.body["name"]]
        assert isinstance(changed, dict)
        changed |= {key: value for key, value in step.body.items() if key != "name"}
        return seen
    scope, kind = f"C{step.body['name']}", step.body["type"]
    fields = PERSON_FIELDS if kind == "Person" else BASE_FIELDS
    defined = {**seen.installation.definitions, scope: {"fields": copy.deepcopy(fields), "links": {}}}
    scopes = {**seen.installation.scopes, scope: {"type": kind, "stream": step.body["stream"]}}
    layouts = {**seen.layouts, (scope, "detail"): [{"rows": [[{"name": "name"}, False]]}], (scope, "filters"): []}
    return replace(seen, installation=replace(seen.installation, definitions=defined, scopes=scopes), layouts=layouts)


def _field(seen: Administration, step: Step) -> Administration:
    scope = step.path.split("/")[3]
    fields = _part(seen, scope, "fields")
    name = step.path.split("/")[4] if step.method == "PUT" else str(step.body["name"])
    if step.method == "POST" and not scope.startswith("C"):
        name = f"c{name[0].upper()}{name[1:]}"
    given = {key: value for key, value in step.body.items() if key not in ("name", "label")}
    assert step.method == "PUT" or name not in fields, f"{name} is there already"
    fields[name] = {**fields.get(name, {}), **given}
    return seen


def _link(seen: Administration, step: Step) -> Administration:
    body = step.body
    _put(seen, body["entity"], body["link"], body["entityForeign"])
    _put(seen, body["entityForeign"], body["linkForeign"], body["entity"])
    if body["linkType"] == "oneToMany":
        _part(seen, body["entityForeign"], "fields")[body["linkForeign"]] = {"type": "link"}
    return seen


def _put(seen: Administration, scope: str, link: str, to: str) -> None:
    name = link if scope.startswith("C") else f"c{link[0].upper()}{link[1:]}"
    links = _part(seen, scope, "links")
    assert name not in links, f"{name} is there already"
    links[name] = {"entity": to}


def _layout(seen: Administration, step: Step) -> Administration:
    _, scope, _, name = step.path.split("/")
    merge = detail_with if name == "detail" else filters_with
    there = seen.layouts.get((scope, name)) or []
    return replace(seen, layouts={**seen.layouts, (scope, name): merge(there, step.layout)})


def _role(seen: Administration, step: Step) -> Administration:
    return replace(seen, role={"id": "r1", **(seen.role or {}), **step.body})


def _user(seen: Administration, step: Step) -> Administration:
    body = {**step.body}
    if "rolesIds" in body:
        body["rolesIds"] = ["r1" if each == ROLE_ID else each for each in body["rolesIds"]]
    return replace(seen, user={"id": "u1", **(seen.user or {}), **body})


def _job(seen: Administration, step: Step) -> Administration:
    return replace(seen, job={"id": "j1", **(seen.job or {}), **step.body})


def _part(seen: Administration, scope: str, name: str) -> dict[str, Any]:
    defined: Any = seen.installation.definitions[scope]
    found: dict[str, Any] = defined[name]
    return found


_TAKEN = {
    "entity": _entity,
    "field": _field,
    "link": _link,
    "layout": _layout,
    "role": _role,
    "user": _user,
    "job": _job,
}
