"""The routes of administrators: Entity Manager, Field Manager, metadata, layouts, settings, erasing personal data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.espocrm import access, query
from sandbox.espocrm.entity_manager import EntityManager
from sandbox.espocrm.erasing import Eraser
from sandbox.espocrm.errors import SlimError, bad_request, forbidden, not_found
from sandbox.espocrm.exchange import Answer, Request, body_of, json_answer, parsed_body
from sandbox.espocrm.field_manager import FieldManager
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.settings import CONFIG_NAMES
from sandbox.espocrm.users import User
from sandbox.espocrm.world import World

Handler = Callable[[Request, User, list[str]], Answer]


def require_admin(user: User) -> None:
    """403 without words for everybody else."""
    if not user.is_admin:
        raise forbidden()


class Administration:
    """Finds the handler of a path, or None."""

    def __init__(self, world: World, records: RecordService) -> None:
        self.world = world
        self.entities = EntityManager(world)
        self.fields = FieldManager(world)
        self.eraser = Eraser(world, records)
        self._fixed: dict[str, Handler] = {
            "Admin/rebuild": self._rebuild,
            "Admin/clearCache": self._rebuild,
            "Metadata": self._metadata,
            "Settings": self._settings,
            "I18n": self._labels,
            "DataPrivacy/action/erase": self._erase,
        }

    def handler(self, segments: list[str]) -> Handler | None:
        """Who answers this path."""
        match segments:
            case [_, "layout", _]:
                return self._layout
            case ["Admin", "fieldManager", _, *more] if len(more) < 2:
                return self._field_manager
            case ["EntityManager", "action", _]:
                return self._entity_manager
        return self._fixed.get("/".join(segments))

    def _entity_manager(self, request: Request, user: User, segments: list[str]) -> Answer:
        require_admin(user)
        action = self.entities.actions.get(segments[2])
        if action is None or request.method != "POST":
            raise not_found(f"Action {request.method} '{segments[2]}' does not exist in controller 'EntityManager'.")
        return json_answer(action(body_of(request)))

    def _field_manager(self, request: Request, user: User, segments: list[str]) -> Answer:
        require_admin(user)
        scope, name = segments[2], segments[3] if len(segments) > 3 else None
        if name is None and request.method == "POST":
            return json_answer(self.fields.create(scope, body_of(request)))
        if name is not None and request.method == "GET":
            return json_answer(self.fields.read(scope, name))
        if name is not None and request.method in ("PUT", "PATCH"):
            return json_answer(self.fields.update(scope, name, body_of(request)))
        if name is not None and request.method == "DELETE":
            return json_answer(self.fields.delete(scope, name))
        raise SlimError(405, "405 Method Not Allowed")

    def _rebuild(self, request: Request, user: User, _: list[str]) -> Answer:
        require_admin(user)
        if request.method != "POST":
            raise bad_request("")
        return json_answer(True)

    def _metadata(self, request: Request, user: User, _: list[str]) -> Answer:
        """Everybody sees the types that his role lets him read, without the fields that it hides."""
        if request.method != "GET":
            raise SlimError(405, "405 Method Not Allowed")

        def hidden(entity: EntityDef) -> set[str] | None:
            return access.hidden_fields(user, entity) if access.may(user, entity, "read") else None

        key = query.parse(request.raw_query).get("key")
        metadata = self.world.metadata
        return json_answer(metadata.lookup(str(key), hidden) if key else metadata.tree(hidden))

    def _settings(self, request: Request, user: User, _: list[str]) -> Answer:
        """What the administration page shows and takes; keys that it does not have are left out."""
        config = self.world.customization.config
        if request.method in ("PUT", "PATCH"):
            require_admin(user)
            changed = {key: value for key, value in body_of(request).items() if key in config}
            config.update(changed)
            self.world.configure({key: value for key, value in changed.items() if key in CONFIG_NAMES})
        elif request.method != "GET":
            raise SlimError(405, "405 Method Not Allowed")
        return json_answer({**config, "version": self.world.settings.version})

    def _labels(self, request: Request, user: User, _: list[str]) -> Answer:
        """Labels of the fields of every type that the user sees."""
        if request.method != "GET":
            raise SlimError(405, "405 Method Not Allowed")
        found: dict[str, Any] = {"Global": {"scopeNames": {}, "scopeNamesPlural": {}}}
        for name, entity in self.world.metadata.entities.items():
            if access.may(user, entity, "read"):
                found[name] = {"fields": {each: self.world.customization.label(name, each) for each in entity.fields}}
                singular, plural = entity.flags.get("labels", [name, name])
                found["Global"]["scopeNames"][name] = singular
                found["Global"]["scopeNamesPlural"][name] = plural
        return json_answer(found)

    def _erase(self, request: Request, user: User, _: list[str]) -> Answer:
        if request.method != "POST":
            raise SlimError(405, "405 Method Not Allowed")
        given = body_of(request)
        if not given.get("entityType") or not given.get("id") or not isinstance(given.get("fieldList"), list):
            raise bad_request("")
        names = [str(each) for each in given["fieldList"]]
        self.eraser.erase(user, str(given["entityType"]), str(given["id"]), names)
        return json_answer(True, str(given["id"]))

    def _layout(self, request: Request, user: User, segments: list[str]) -> Answer:
        scope, name = segments[0], segments[2]
        entity = self.world.entity(scope)
        if entity is None:
            raise not_found(f"Layout {scope}:{name} is not found.")
        if request.method == "PUT":
            require_admin(user)
            self.world.customization.layouts[scope, name] = parsed_body(request)
        elif request.method != "GET":
            raise SlimError(405, "405 Method Not Allowed")
        if not access.may(user, entity, "read"):
            raise forbidden()
        layout = self.world.customization.layout(entity, name)
        if layout is None:
            raise not_found(f"Layout {scope}:{name} is not found.")
        return json_answer(layout)
