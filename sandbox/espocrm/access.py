"""What a user may do, by role, scope and field: levels, records, hidden and unwritable keys."""

from __future__ import annotations

from sandbox.espocrm.errors import forbidden
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record
from sandbox.espocrm.users import User


def level(user: User, entity: EntityDef, action: str) -> str:
    """The level of an action: no, own, team, all (or yes). What a role does not say, the scope's `acl` says."""
    if user.is_admin:
        return "all"
    fixed = entity.flags.get("aclMandatory", {}).get(action)
    if fixed is not None:
        return str(fixed)
    if entity.flag("apiUsersOnly") and not user.is_api:
        return "no"
    given = user.role.level(entity.name, action)
    if given is None and action == "stream" and entity.name in user.role.data:
        given = user.role.level(entity.name, "read")
    if given is not None:
        return given
    if not user.role.strict and entity.flag("granted"):
        return "all"
    return str(entity.flags.get("acl", {}).get(action, "no"))


def may(user: User, entity: EntityDef, action: str) -> bool:
    """True where the action is allowed on the scope at all, maybe for some records only."""
    return level(user, entity, action) != "no"


def may_record(user: User, entity: EntityDef, record: Record, action: str) -> bool:
    """True where the action is allowed on this record."""
    given = level(user, entity, action)
    if given in ("own", "team"):
        return _owns(user, entity, record) or (given == "team" and _shares_team(user, record))
    return given != "no"


def _owns(user: User, entity: EntityDef, record: Record) -> bool:
    if entity.name == "User":
        return record.id == user.id
    column = "assignedUserId" if "assignedUserId" in entity.attributes else "createdById"
    column = "userId" if entity.flag("ownedByUser") else column
    return record.values.get(column) == user.id


def _shares_team(user: User, record: Record) -> bool:
    return record.id in user.team_ids if record.entity_type == "Team" else False


def require(user: User, entity: EntityDef, action: str, record: Record | None = None) -> None:
    """403 with EspoCRM's words."""
    if not may(user, entity, action) or (record is not None and not may_record(user, entity, record, action)):
        raise forbidden(f"No {action} access.")


def hidden_attributes(user: User, entity: EntityDef) -> set[str]:
    """Keys that the user neither sees nor writes."""
    return set() if user.is_admin else _attributes(entity, _hidden_fields(user, entity))


def unwritable_attributes(user: User, entity: EntityDef) -> set[str]:
    """Keys that the user does not write: a PUT with them answers 200 and leaves them out."""
    if user.is_admin:
        return set()
    names = [*_hidden_fields(user, entity), *user.role.forbidden_fields(entity.name, "edit")]
    return _attributes(entity, [*names, *entity.flags.get("adminWrites", [])])


def hidden_fields(user: User, entity: EntityDef) -> set[str]:
    """Fields that the user does not see, in records and in the metadata."""
    return set() if user.is_admin else set(_hidden_fields(user, entity))


def _hidden_fields(user: User, entity: EntityDef) -> list[str]:
    return [*user.role.forbidden_fields(entity.name, "read"), *entity.flags.get("adminOnly", [])]


def _attributes(entity: EntityDef, fields: list[str]) -> set[str]:
    return {key for field in fields for key in entity.attributes_of_field(field)}
