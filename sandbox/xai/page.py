"""The web page for people at `/`: collections with their documents and states, files, a box to search in."""

from __future__ import annotations

from html import escape

from aiohttp import web

from sandbox.xai import page_html as html
from sandbox.xai.errors import XaiError
from sandbox.xai.search import search
from sandbox.xai.world import Collection, World

SHOWN = 200


class PageRoutes:
    """Server-rendered; what a person does here is done as in the console of xAI."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        app.router.add_get("/", self._show)
        app.router.add_post("/_page/delete", self._delete)

    async def _show(self, request: web.Request) -> web.Response:
        question, chosen = request.query.get("frage", ""), request.query.get("sammlung", "")
        names = [(one.id, one.name) for one in self._world.collections.values()]
        body = html.question(question, names, chosen)
        if question.strip():
            body += html.answers(self._found(question, chosen))
        body += "".join(self._collection(one) for one in list(self._world.collections.values())[:SHOWN])
        if not self._world.collections:
            body += html.nothing()
        body += html.files(
            [
                (one.id, one.name, len(one.content), self._places(one.id))
                for one in list(self._world.files.values())[-SHOWN:]
            ]
        )
        return web.Response(text=html.frame(body), content_type="text/html")

    def _found(self, question: str, chosen: str) -> list[html.Hit]:
        """In one collection, or in each of them."""
        known = self._world.collections
        where = [known[chosen]] if chosen in known else list(known.values())
        return [
            html.Hit(
                " · ".join(known[each].name for each in match["collection_ids"] if each in known),
                self._world.files[match["file_id"]].name,
                match.get("page_number"),
                match["score"],
                match["chunk_content"],
            )
            for match in search(self._world, where, {"query": question, "limit": 10})
        ]

    def _places(self, file_id: str) -> int:
        return sum(file_id in one.documents for one in self._world.collections.values())

    def _collection(self, one: Collection) -> str:
        now = self._world.now
        rows = [
            html.Row(
                file_id,
                each.file.name + ("" if file_id in self._world.files else " (Datei gelöscht)"),
                each.run.status(now),
                each.run.rule.fail or "",
                ", ".join(f"{key}: {value}" for key, value in sorted(each.fields.items())),
            )
            for file_id, each in list(one.documents.items())[:SHOWN]
        ]
        return html.collection(one.id, one.name, one.description, rows)

    async def _delete(self, request: web.Request) -> web.Response:
        given = await request.post()
        collection, file_id = str(given.get("sammlung", "")), str(given.get("datei", ""))
        try:
            if collection and file_id:
                self._world.detach(collection, file_id)
            elif collection:
                self._world.delete_collection(collection)
            else:
                self._world.delete_file(file_id)
        except XaiError as error:
            text = html.frame(f'<section><p class="FAILED">{escape(error.error)}</p></section>')
            return web.Response(text=text, status=error.status, content_type="text/html")
        raise web.HTTPSeeOther("/")
