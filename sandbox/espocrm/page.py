"""The page at /: records in a list, a form to edit or create one as Anna, notes, and the webhook queue."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.espocrm import page_html as html
from sandbox.espocrm.exchange import Answer, Request
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.rest import RestApi
from sandbox.espocrm.settings import OFFICE_USER_NAME
from sandbox.espocrm.store import Record
from sandbox.espocrm.world import World

SHOWN = 100
OK = 200
MULTIPLE = 300
COLUMNS = ("name", "firmenname", "syncStatus", "status", "betnr", "iban", "adresseCity", "modifiedAt", "modifiedByName")

PERSONAL = (
    "name",
    "emailAddress",
    "phoneNumber",
    "address",
    "adresse",
    "dateOfBirth",
    "briefAnrede",
    "titel",
    "zusatz",
)


class Page:
    """Handlers of the page; what it saves goes through the REST API in the office user's name."""

    def __init__(self, world: World, rest: RestApi) -> None:
        self.world = world
        self.rest = rest

    def add_routes(self, app: web.Application) -> None:
        """Mount them."""
        app.router.add_get("/", self._show)
        app.router.add_get("/_page/list/{entity}", self._list_part)
        app.router.add_get("/_page/notes", self._notes_part)
        app.router.add_get("/_page/queue", self._queue_part)
        app.router.add_post("/_page/save/{entity}", self._save)
        app.router.add_post("/_page/save/{entity}/{id}", self._save)
        app.router.add_post("/_page/delete/{entity}/{id}", self._delete)
        app.router.add_post("/_page/erase/{entity}/{id}", self._erase)

    def _entities(self) -> list[EntityDef]:
        """The office's own first: they are what is synced."""
        granted = [each for each in self.world.metadata.entities.values() if each.flag("granted")]
        return sorted(granted, key=lambda each: not each.name.startswith("C"))

    def _entity(self, name: str | None) -> EntityDef:
        entities = self._entities()
        return next((each for each in entities if each.name == name), entities[0])

    async def _show(self, request: web.Request) -> web.Response:
        entity = self._entity(request.query.get("typ"))
        record = self.world.store.find(entity.name, request.query.get("id", ""))
        values = self.rest.views.whole(entity, record) if record else {}
        parts = html.Parts(
            entities=[each.name for each in self._entities()],
            entity=entity.name,
            version=self.world.settings.version,
            message=request.query.get("meldung"),
            failed=request.query.get("fehler") is not None,
            form=html.form(entity, values, record.id if record else None),
            listing=self._list(entity),
            notes=self._notes(),
            queue=self._queue(),
        )
        return web.Response(text=html.page(parts), content_type="text/html")

    def _list(self, entity: EntityDef) -> str:
        def stamp(record: Record) -> tuple[str, str]:
            return str(record.values.get("modifiedAt")), record.id

        records = sorted(self.world.store.live(entity.name), key=stamp, reverse=True)
        columns = [name for name in COLUMNS if name in entity.attributes]
        rows = [
            (each.id, {name: self.rest.views.value(entity, each, name) for name in columns}) for each in records[:SHOWN]
        ]
        return html.listing(entity.name, columns, rows, len(records))

    def _notes(self) -> str:
        entity = self.world.metadata.entities["Note"]
        posts = [each for each in self.world.store.live("Note") if each.values.get("type") == "Post"]
        newest = sorted(posts, key=lambda each: int(each.values.get("number") or 0), reverse=True)[:20]
        return html.notes([self.rest.views.whole(entity, each) for each in newest])

    def _queue(self) -> str:
        events = self.world.events
        waiting = [item for queue in events.queues.values() for item in queue]
        rows: list[tuple[str, str, str, str]] = [("–", each.name, each.record_id, "wartet") for each in events.pending]
        rows += [(str(each.number), each.event, each.record_id, each.status) for each in waiting]
        rows += [(str(each.number), each.event, each.record_id, each.status) for each in reversed(events.done)]
        counts = {
            "wartend": len(events.pending) + len(waiting),
            "gesendet": events.counts["sent"],
            "gescheitert": events.counts["failed"],
            "verworfen": events.counts["dropped"],
        }
        return html.queue(counts, rows[:15], enabled=self.world.settings.webhooks_enabled)

    async def _list_part(self, request: web.Request) -> web.Response:
        return web.Response(text=self._list(self._entity(request.match_info["entity"])), content_type="text/html")

    async def _notes_part(self, _: web.Request) -> web.Response:
        return web.Response(text=self._notes(), content_type="text/html")

    async def _queue_part(self, _: web.Request) -> web.Response:
        return web.Response(text=self._queue(), content_type="text/html")

    def _as_office_user(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        user = self.world.users.named(OFFICE_USER_NAME)
        if user is None:
            raise web.HTTPConflict(text="Der Benutzer anna fehlt.")
        headers = {"Content-Type": "application/json", "X-Skip-Duplicate-Check": "true"}
        request = Request(method, path, "", headers, b"" if body is None else json.dumps(body).encode())
        return self.rest.handle(request, user)

    async def _save(self, request: web.Request) -> web.Response:
        entity = self._entity(request.match_info["entity"])
        record_id = request.match_info.get("id")
        given = {key: str(value) for key, value in (await request.post()).items()}
        record = self.world.store.find(entity.name, record_id) if record_id else None
        shown = self.rest.views.whole(entity, record) if record else {}
        body = html.changes(entity, given, shown)
        path = f"/{entity.name}/{record_id}" if record_id else f"/{entity.name}"
        answer = self._as_office_user("PUT" if record_id else "POST", path, body)
        return self._back(entity.name, record_id or _id_of(answer), answer, "Gespeichert.")

    async def _delete(self, request: web.Request) -> web.Response:
        entity = self._entity(request.match_info["entity"])
        answer = self._as_office_user("DELETE", f"/{entity.name}/{request.match_info['id']}", None)
        return self._back(entity.name, None, answer, "Gelöscht.")

    async def _erase(self, request: web.Request) -> web.Response:
        """EspoCRM's "Erase personal data", of all fields that have any."""
        entity, record_id = self._entity(request.match_info["entity"]), request.match_info["id"]
        fields = [name for name in PERSONAL if name in entity.fields]
        body = {"entityType": entity.name, "id": record_id, "fieldList": fields}
        answer = self._as_office_user("POST", "/DataPrivacy/action/erase", body)
        return self._back(entity.name, record_id, answer, "Personenbezogene Daten gelöscht.")

    @staticmethod
    def _back(entity: str, record_id: str | None, answer: Answer, done: str) -> web.Response:
        ok = OK <= answer.status < MULTIPLE
        words = done if ok else f"Nicht gespeichert ({answer.status}): {answer.headers.get('X-Status-Reason', '')}"
        target = f"/?typ={entity}&meldung={quote(words)}"
        target += f"&id={record_id}" if record_id else ""
        return web.Response(status=303, headers={"Location": target if ok else target + "&fehler=1"})


def _id_of(answer: Answer) -> str | None:
    return answer.record_id if answer.status == OK else None
