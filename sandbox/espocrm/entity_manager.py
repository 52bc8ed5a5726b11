"""EspoCRM's Entity Manager over REST: record types and links are made, changed and removed while it runs."""

from __future__ import annotations

import re
from typing import Any

from sandbox.espocrm.errors import ApiError, bad_request, conflict, forbidden
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.world import World

TYPES = {"Base": "Base", "BasePlus": "Base", "Person": "Person", "Company": "Company"}
MIN_NAME, MAX_NAME, MAX_LINK = 3, 64, 61
LINK_PARAMS = ("entity", "link", "linkForeign", "label", "linkType")
MANY = "manyToMany"
FORBIDDEN_LINKS = frozenset(
    {"posts", "stream", "streamAttachments", "subscription", "action", "layout", "followers", "teams"}
    | {"assignedUser", "createdBy", "modifiedBy", "null", "true", "false"}
)
PERSON_FLAGS = {"duplicates": "person", "textFilterFields": ["name", "emailAddress", "phoneNumber"]}


def failed(reason: str) -> ApiError:
    """500 with words: EspoCRM's plain Error."""
    return ApiError(500, reason)


def custom(name: str) -> str:
    """The name with EspoCRM's prefix for what is not its own: C or c, as the first letter was."""
    return ("C" if name[:1].isupper() else "c") + name[:1].upper() + name[1:]


def snake(name: str) -> str:
    """The database's form of a name, by which its length is measured."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class EntityManager:
    """`POST EntityManager/action/{action}`, for administrators."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actions = {
            "createEntity": self._create,
            "updateEntity": self._update,
            "removeEntity": self._remove,
            "createLink": self._create_link,
            "removeLink": self._remove_link,
        }

    def _existing(self, given: dict[str, Any]) -> EntityDef:
        name = str(given.get("name") or given.get("entity") or "")
        if not name:
            raise bad_request("")
        entity = self.world.entity(name)
        if entity is None:
            raise failed(f"Entity `{name}` does not exist.")
        return entity

    def _create(self, given: dict[str, Any]) -> Any:
        if not given.get("name") or not given.get("type"):
            raise bad_request("")
        name, kind = str(given["name"]).strip(), str(given["type"])
        if kind not in TYPES:
            raise failed(f"Type '{kind}' does not exist.")
        name = custom(name[:1].upper() + name[1:])
        self._check_name(name)
        person = PERSON_FLAGS if TYPES[kind] == "Person" else {}
        flags = {"object": True, "granted": True, "isCustom": True, "stream": bool(given.get("stream")), **person}
        flags["labels"] = [str(given.get("labelSingular") or name), str(given.get("labelPlural") or name)]
        self.world.metadata.add(name, {"type": TYPES[kind], **flags})
        return {"name": name}

    def _check_name(self, name: str) -> None:
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
            raise failed("Entity name should contain only letters and numbers, start with an upper case letter.")
        if len(name) < MIN_NAME:
            raise failed(f"Entity name should not shorter than {MIN_NAME}.")
        if len(snake(name)) > MAX_NAME:
            raise failed(f"Entity type name should not be longer than {MAX_NAME}.")
        if self.world.entity(name) is not None or self._relation_exists(name):
            reason = f"Name '{name}' is already used."
            raise conflict(reason, "nameIsAlreadyUsed", "EntityManager", {"name": name})

    def _relation_exists(self, name: str) -> bool:
        return any(
            str(spec.get("relationName", "")).lower() == name.lower()
            for entity in self.world.metadata.entities.values()
            for spec in entity.links.values()
        )

    def _update(self, given: dict[str, Any]) -> Any:
        entity = self._existing(given)
        for key in ("stream", "disabled", "optimisticConcurrencyControl", "countDisabled", "textFilterFields"):
            if key in given:
                entity.flags[key] = given[key]
        if given.get("sortBy"):
            entity.flags["orderBy"] = str(given["sortBy"])
        entity.derive()
        return True

    def _remove(self, given: dict[str, Any]) -> Any:
        entity = self._existing(given)
        if not entity.flag("isCustom"):
            raise forbidden("")
        self.world.metadata.remove(entity.name)
        self.world.customization.forget(entity.name)
        self.world.store.records.pop(entity.name, None)
        return True

    def _create_link(self, given: dict[str, Any]) -> Any:
        if any(not given.get(key) for key in LINK_PARAMS) or not given.get("entityForeign"):
            raise bad_request("")
        entity = self._existing({"name": given["entity"]})
        foreign = self._existing({"name": given["entityForeign"]})
        link, back = str(given["link"]).strip(), str(given["linkForeign"]).strip()
        link = link if entity.flag("isCustom") else custom(link)
        back = back if foreign.flag("isCustom") else custom(back)
        relation = self._relation_name(given, entity, foreign) if given["linkType"] == MANY else None
        self._check_links(entity, link, foreign, back)
        ends = _ends(str(given["linkType"]), relation)
        if ends is None:
            raise bad_request("")
        self._put(entity, link, ends[0], foreign.name, back, multiple=bool(given.get("linkMultipleField")))
        self._put(foreign, back, ends[1], entity.name, link, multiple=bool(given.get("linkMultipleFieldForeign")))
        self.world.customization.labels[entity.name, link] = str(given["label"])
        self.world.customization.labels[foreign.name, back] = str(given.get("labelForeign") or back)
        return True

    def _relation_name(self, given: dict[str, Any], entity: EntityDef, foreign: EntityDef) -> str:
        default = entity.name[:1].lower() + entity.name[1:] + foreign.name
        name = str(given.get("relationName") or default)
        name = name if re.match(r"c[A-Z]", name) else custom(name[:1].lower() + name[1:])
        if len(name) > MAX_LINK:
            raise failed("Relation name is too long.")
        if self._relation_exists(name):
            raise ApiError(409, f"Relationship with the same name '{name}' exists.")
        return name

    @staticmethod
    def _check_links(entity: EntityDef, link: str, foreign: EntityDef, back: str) -> None:
        for owner, name in ((entity, link), (foreign, back)):
            if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name):
                raise failed("Link name should start with a lower case letter.")
            if len(name) > MAX_LINK:
                raise failed("Link name is too long.")
            if name in FORBIDDEN_LINKS:
                raise ApiError(409, f"Link name '{name}' is not allowed.")
            if name in owner.links:
                raise ApiError(409, f"Link {owner.name}::{name} already exists.")
            if {name, f"{name}Id", f"{name}Name"} & set(owner.fields):
                raise ApiError(409, f"Field {owner.name}::{name} already exists.")

    @staticmethod
    def _put(
        owner: EntityDef, link: str, end: tuple[dict[str, Any], str | None], to: str, back: str, *, multiple: bool
    ) -> None:
        spec, field_type = end
        owner.links[link] = {**spec, "entity": to, "foreign": back, "isCustom": True}
        kind = "linkMultiple" if multiple and spec["type"] == "hasMany" else field_type
        if kind is not None:
            owner.fields[link] = {"type": kind}
        owner.derive()

    def _remove_link(self, given: dict[str, Any]) -> Any:
        entity = self._existing(given)
        spec = entity.links.get(str(given.get("link")))
        if spec is None or not spec.get("isCustom"):
            raise failed(f"Could not delete link {given.get('link')}.")
        foreign = self.world.entity(str(spec.get("entity")))
        for owner, name in ((entity, str(given["link"])), (foreign, str(spec.get("foreign")))):
            if owner is not None:
                owner.links.pop(name, None)
                owner.fields.pop(name, None)
                owner.derive()
        return True


def _ends(kind: str, relation: str | None) -> tuple[tuple[dict[str, Any], str | None], ...] | None:
    """What each end of a link is: its spec, and the type of its field, if it has one."""
    many: tuple[dict[str, Any], str | None] = ({"type": "hasMany"}, None)
    one: tuple[dict[str, Any], str | None] = ({"type": "belongsTo"}, "link")
    both: tuple[dict[str, Any], str | None] = ({"type": "hasMany", "relationName": relation}, None)
    return {"oneToMany": (many, one), "manyToOne": (one, many), MANY: (both, both)}.get(kind)
