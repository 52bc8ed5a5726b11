"""The rights of our API user against the declared role, from `GET App/user`: nothing is written to find out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kanzlei.espocrm.difference import Difference, error, warning
from kanzlei.espocrm.observed import Installation, part
from kanzlei.espocrm.schema import EntitySpec, Target, level

CONSEQUENCES = {
    "read": "its records can't be read, so they are not synced",
    "edit": "EspoCRM refuses every change that comes from Advoware, and the status as well",
    "create": "what a desk makes in Advoware does not come to EspoCRM",
    "stream": "a note for a record without an assigned user can't be posted on its stream",
    "delete": "what is deleted in Advoware stays",
}


def right_differences(observed: Installation, target: Target) -> Iterator[Difference]:
    """Nothing for an administrator, who may do everything."""
    if observed.is_admin:
        return
    table = part(observed.acl, "table")
    for scope, needed in target.role.scopes.items():
        # What our role can't see at all is told once, as a missing entity type.
        if scope == "User" or observed.definitions.get(scope) or table.get(scope):
            yield from _scope(scope, table.get(scope), needed)
    yield from _flags(table, target)
    yield from _permissions(observed, target)
    for entity in target.entities:
        yield from _fields(part(part(observed.acl, "fieldTable"), entity.scope), entity)


def _scope(scope: str, given: Any, needed: Mapping[str, str]) -> Iterator[Difference]:
    # `true` is a scope that knows only on and off.
    held = given if isinstance(given, Mapping) else dict.fromkeys(needed, given)
    for action, wanted in needed.items():
        if level(wanted) > level(held.get(action)):
            yield _user_read(held) if scope == "User" else _missing_right(scope, action, held.get(action), wanted)


def _missing_right(scope: str, action: str, held: Any, wanted: str) -> Difference:
    return error(
        "right-missing",
        f"role, {scope}: {action}",
        f"it is {held or 'not set'}, needed is {wanted}",
        CONSEQUENCES[action],
        f"Administration > Roles: {scope}, {action} = {wanted}",
    )


def _user_read(held: Mapping[str, Any]) -> Difference:
    return error(
        "user-read",
        "role, User: read",
        f"it is {held.get('read') or 'not set'}, needed is all",
        "EspoCRM refuses every note to a user with 403, so it goes to the record's stream or is lost",
        "Administration > Roles: User, read = all",
    )


def _flags(table: Mapping[str, Any], target: Target) -> Iterator[Difference]:
    for scope in target.role.flags:
        held = table.get(scope)
        if not level(held.get("read") if isinstance(held, Mapping) else held):
            yield error(
                "right-missing",
                f"role, {scope}",
                "it is not enabled",
                "no webhook can be made or checked, so changes in EspoCRM are only found by the ticker",
                f"Administration > Roles: {scope} = enabled",
            )


def _permissions(observed: Installation, target: Target) -> Iterator[Difference]:
    for name, wanted in target.role.permissions.items():
        held = observed.acl.get(name)
        if level(wanted) > level(held):
            yield error(
                "message-permission",
                f"role, {name}",
                f"it is {held or 'not set'}, needed is {wanted}",
                "no note reaches a user by name",
                f"Administration > Roles: Message Permission = {wanted}",
            )


def _fields(table: Mapping[str, Any], entity: EntitySpec) -> Iterator[Difference]:
    for spec in entity.fields:
        name = entity.field_name(spec)
        rights = part(table, name)
        where, mend = f"role, {entity.scope}.{name}", f"Administration > Roles > field level: {entity.scope}.{name}"
        if rights.get("read") == "no":
            yield error(
                "field-read-no",
                where,
                "our role may not read the field",
                f"{spec.label} is not synced",
                f"{mend}, read = yes",
            )
        elif rights.get("edit") == "no":
            yield error(
                "field-edit-no",
                where,
                "our role may not edit the field",
                f"EspoCRM answers 200 and leaves {spec.label} out",
                f"{mend}, edit = yes",
            )


def user_differences(observed: Installation) -> Iterator[Difference]:
    """The user itself: webhooks with skipOwn work for API users only."""
    kind = observed.user.get("type")
    if kind and kind != "api":
        yield warning(
            "not-api-user",
            "user",
            f"the credentials belong to a user of type {kind}",
            "our own changes come back as webhooks, and a password change stops the sync",
            "use an API user: python -m kanzlei.espocrm install makes one",
        )
