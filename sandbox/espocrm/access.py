"""What a user may do: scopes, actions, hidden fields."""

from __future__ import annotations

from sandbox.espocrm.errors import forbidden
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.users import ACTIONS, User


def may(user: User, entity: EntityDef, action: str) -> bool:
    """True where the user's role allows the action on the scope. Nobody but an admin creates Notifications."""
    if user.is_admin:
        return True
    if (entity.name == "Webhook" and not user.is_api) or (entity.name == "Notification" and action == "create"):
        return False
    if entity.name in user.role.scopes:
        return action in user.role.scopes[entity.name]
    return entity.flag("granted") and action in ACTIONS


def require(user: User, entity: EntityDef, action: str) -> None:
    """403 with EspoCRM's words."""
    if not may(user, entity, action):
        raise forbidden(f"No {action} access.")


def hidden_attributes(user: User, entity: EntityDef) -> set[str]:
    """Keys that the user neither sees nor writes."""
    if user.is_admin:
        return set()
    hidden = {"userId", "userName"} if entity.name == "Webhook" else set()
    for field in user.role.hidden.get(entity.name, []):
        hidden.update(entity.attributes_of_field(field))
    return hidden
