"""The REST API without HTTP: a request in, an answer out. Routes as EspoCRM's framework has them."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import access, acl_table, query
from sandbox.espocrm.account_hooks import RoleHooks, ScheduledJobHooks, UserHooks
from sandbox.espocrm.administration import Administration, require_admin
from sandbox.espocrm.attachments import AttachmentHooks, Files
from sandbox.espocrm.errors import ApiError, SlimError, not_found
from sandbox.espocrm.exchange import Answer, Request, answer_error, body_of, header, json_answer
from sandbox.espocrm.linking import Linking
from sandbox.espocrm.listing import Listing
from sandbox.espocrm.massaction import MassAction
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.phpjson import pretty
from sandbox.espocrm.records import RecordService
from sandbox.espocrm.search import SearchParams, fetch
from sandbox.espocrm.special import NoteHooks, NotificationHooks, WebhookHooks
from sandbox.espocrm.stream import Stream
from sandbox.espocrm.users import User
from sandbox.espocrm.views import Views
from sandbox.espocrm.world import World

CREATED = 201


class RestApi:
    """All controllers. `handle` never raises for what a client did."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.views = Views(world)
        self.stream = Stream(world, self.views)
        attachment_hooks = AttachmentHooks(world)
        self.user_hooks = UserHooks(world)
        hooks = {
            "Note": NoteHooks(world, self.stream),
            "Notification": NotificationHooks(),
            "Webhook": WebhookHooks(world),
            "Attachment": attachment_hooks,
            "User": self.user_hooks,
            "Role": RoleHooks(world),
            "ScheduledJob": ScheduledJobHooks(),
        }
        self.records = RecordService(world, self.views, self.stream, hooks)
        self.listing = Listing(self.views, self.records)
        self.linking = Linking(self.records)
        self.mass = MassAction(self.records)
        self.files = Files(world, attachment_hooks)
        self.administration = Administration(world, self.records)

    def handle(self, request: Request, user: User) -> Answer:
        """Answer an authenticated request."""
        try:
            if self.world.settings.maintenance and not user.is_admin:
                raise ApiError(
                    503, "Application is in maintenance mode.", {"message": "Application is in maintenance mode."}
                )
            return self._route(request, user)
        except ApiError as error:
            return answer_error(error)
        except SlimError as error:
            return Answer(error.status, pretty({"message": error.message}).encode())

    def _route(self, request: Request, user: User) -> Answer:
        segments = request.path.strip("/").split("/")
        administration = self.administration.handler(segments)
        if administration is not None and not request.path.endswith("/"):
            return administration(request, user, segments)
        if request.path.endswith("/") or len(segments) > 3 or not segments[0]:
            raise SlimError(404, "404 Not Found")
        special = self._special(request, user, segments)
        if special is not None:
            return special
        methods = {1: ("GET", "POST"), 2: ("GET", "PUT", "PATCH", "DELETE"), 3: ("GET", "POST", "DELETE")}[
            len(segments)
        ]
        if request.method not in (*methods, "HEAD"):
            raise SlimError(405, "405 Method Not Allowed")
        entity = self._entity(segments[0])
        if request.method == "HEAD":
            action = {1: "list", 2: "read", 3: "listLinked"}[len(segments)]
            raise not_found(f"Action HEAD '{action}' does not exist in controller '{entity.name}'.")
        handler = {1: self._collection, 2: self._record, 3: self._link}[len(segments)]
        return handler(request, user, entity, segments)

    def _entity(self, name: str) -> EntityDef:
        entity = self.world.entity(name[:1].upper() + name[1:])
        if entity is None:
            raise not_found(f"Controller '{name[:1].upper() + name[1:]}' does not exist.")
        return entity

    def _special(self, request: Request, user: User, segments: list[str]) -> Answer | None:
        if segments[:2] == ["Attachment", "file"] and len(segments) == 3:
            return self._download(user, segments[2])
        if segments[:2] == ["Attachment", "chunk"] and request.method == "POST":
            self.files.add_chunk(segments[2], request.body)
            return json_answer(True)
        if segments == ["MassAction"] and request.method == "POST":
            return json_answer(self.mass.process(user, body_of(request)))
        if segments == ["UserSecurity", "apiKey", "generate"] and request.method == "POST":
            return self._new_key(user, str(body_of(request).get("id")))
        if segments == ["App", "user"] and request.method == "GET":
            return self._app_user(user)
        return None

    def _new_key(self, user: User, user_id: str) -> Answer:
        require_admin(user)
        record = self.world.store.find("User", user_id)
        if record is None or record.values.get("type") != "api":
            raise not_found()
        self.user_hooks.new_key(record)
        return json_answer(self.records.read(user, self.world.metadata.entities["User"], user_id), user_id)

    def _app_user(self, user: User) -> Answer:
        """Who the caller is, what he may do, and the part of the configuration that everybody sees."""
        entity = self.world.metadata.entities["User"]
        record = self.world.store.find("User", user.id)
        shown = self.records.cut(user, entity, self.views.whole(entity, record)) if record is not None else {}
        token = None if user.is_api else self.world.users.new_token(user)
        limits = {"recordListMaxSizeLimit": self.world.settings.list_max_size}
        settings = {**self.world.customization.config, **limits, "version": self.world.settings.version}
        acl = acl_table.of(user, self.world.metadata)
        whole = {"user": shown, "acl": acl, "preferences": {"id": user.id}, "token": token, "settings": settings}
        return json_answer({**whole, "language": "de_DE"})

    def _download(self, user: User, attachment_id: str) -> Answer:
        record, contents = self.files.read(user, attachment_id)
        disposition = f'inline; filename="{record.values.get("name")}"'
        kind = str(record.values.get("type") or "application/octet-stream")
        return Answer(200, contents, kind, {"Content-Disposition": disposition}, attachment_id)

    def _params(self, request: Request) -> SearchParams:
        no_total = header(request, "X-No-Total") == "true"
        return fetch(query.parse(request.raw_query), self.world.settings.list_max_size, no_total=no_total)

    def _collection(self, request: Request, user: User, entity: EntityDef, _: list[str]) -> Answer:
        if request.method == "GET":
            return json_answer(self.listing.find(user, entity, self._params(request)))
        body = body_of(request)
        skip = (header(request, "X-Skip-Duplicate-Check") or "").lower() == "true"
        created, record_id = self.records.create(user, entity, body, skip_duplicates=skip)
        if entity.name == "Attachment":
            self.files.keep(record_id, body)
        answer = json_answer(created, record_id)
        answer.status = CREATED if entity.name == "Webhook" else answer.status
        return answer

    def _record(self, request: Request, user: User, entity: EntityDef, segments: list[str]) -> Answer:
        record_id = segments[1]
        if request.method == "GET":
            return json_answer(self.records.read(user, entity, record_id), record_id)
        if request.method == "DELETE":
            self.records.delete(user, entity, record_id)
            if entity.name == "Webhook":
                self.world.events.drop_webhook(record_id)
            return json_answer(True, record_id)
        version = header(request, "X-Version-Number")
        return json_answer(self.records.update(user, entity, record_id, body_of(request), version), record_id)

    def _link(self, request: Request, user: User, entity: EntityDef, segments: list[str]) -> Answer:
        _, record_id, link = segments
        if request.method == "GET":
            return json_answer(self._list_linked(request, user, entity, record_id, link), record_id)
        linked = request.method == "POST"
        return json_answer(
            self.linking.change(user, entity, (record_id, link), body_of(request), linked=linked), record_id
        )

    def _list_linked(
        self, request: Request, user: User, entity: EntityDef, record_id: str, link: str
    ) -> dict[str, Any]:
        self.records.read_access(user, entity)
        record = self.world.store.find(entity.name, record_id)
        if record is None:
            raise not_found()
        params = self._params(request)
        access.require(user, entity, "read", record)
        if link in ("stream", "posts") and entity.flag("stream"):
            access.require(user, entity, "stream", record)
            notes = self.stream.list_notes(record, posts_only=link == "posts")
            page = notes[params.offset : params.offset + params.max_size]
            return {"total": len(notes), "list": [self.stream.row(note) for note in page], "pinnedList": []}
        if link not in entity.links:
            raise not_found("Link does not exist.")
        spec = entity.links[link]
        foreign = self.world.metadata.entities.get(str(spec.get("entity")))
        if foreign is None or spec["type"] != "hasMany":
            raise not_found("Link does not exist.")
        ids = self.views.linked_ids(entity, link, record_id)
        found = [each for one in ids if (each := self.world.store.find(foreign.name, one)) is not None]
        return self.listing.find(user, foreign, params, found)
