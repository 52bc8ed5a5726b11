"""The desk for people at `/`: see the parties, edit, create, delete, open and close them, watch the API's calls."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from aiohttp import web

from sandbox.advoware import html
from sandbox.advoware import page_parts as parts
from sandbox.advoware.fields import BETEILIGTE_ALL, BETEILIGTE_READ_ONLY, day, replaced
from sandbox.advoware.office import CHILD_FIELDS, Office
from sandbox.advoware.records import Party
from sandbox.advoware.refusal import RefusedError
from sandbox.control import Control

PREFIX = "/_page/beteiligte"
ROWS = 50
CHILD_TITLES = {"adressen": "Adressen", "kommunikation": "Kommunikation", "bankverbindungen": "Bankverbindungen"}


class PageRoutes:
    """Server-rendered, for one person at a time."""

    def __init__(self, office: Office, control: Control) -> None:
        self._office = office
        self._control = control

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router, one = app.router, PREFIX + "/{betNr:[0-9]+}"
        kinds = "|".join(CHILD_FIELDS)
        router.add_get("/", self._list)
        router.add_get(PREFIX + "/neu", self._blank)
        router.add_post(PREFIX + "/neu", self._create)
        router.add_get(one, self._show)
        router.add_post(one, self._save)
        router.add_post(one + "/{verb:open|close|delete|use|unuse}", self._act)
        router.add_post(f"{one}/{{kind:{kinds}}}", self._add_child)
        router.add_post(f"{one}/{{kind:{kinds}}}/{{id:[0-9]+}}", self._save_child)

    # -- the list -------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("suche", "")
        found = [party for party in self._office.everybody() if _matches(party, wanted.casefold())]
        rows = [self._row(party) for party in reversed(found[-ROWS:])]
        search = (
            '<form class="row"><label><span>Name, Vorname oder Nummer</span>'
            f'<input name="suche" value="{escape(wanted)}"></label>{html.button("Suchen", "plain")}'
            f'<a href="{PREFIX}/neu">Neuer Beteiligter</a> <a href="/?live=1">alle 2 s neu laden</a></form>'
        )
        heads = ("Nr.", "Name", "Rechtsform", "Geburtsdatum", "Geändert am", "Row-Id", "")
        people = search + html.table(heads, rows, "Noch keine Beteiligten.")
        title = f"Beteiligte ({len(found)} von {len(self._office)}, die neuesten {min(ROWS, len(found))})"
        body = html.section(title, people) + html.section(
            "Letzte Aufrufe der API", parts.api_calls(self._control, None)
        )
        return parts.page(html.frame("Beteiligte", body, refresh=2 if "live" in request.query else None))

    def _row(self, party: Party) -> tuple[str, ...]:
        values = party.values
        name = ", ".join(part for part in (values["name"], values["vorname"]) if part)
        marks = ("geöffnet" if self._office.is_open(party.bet_nr) else "", "in Akte" if party.in_use else "")
        return (
            f'<a href="{PREFIX}/{party.bet_nr}">{party.bet_nr}</a>',
            escape(name),
            escape(values["rechtsform"]),
            (values["geburtsdatum"] or "")[:10],
            party.changed.strftime("%d.%m.%Y %H:%M:%S"),
            f"<code>{party.row_id}</code>",
            " ".join(f'<span class="badge">{mark}</span>' for mark in marks if mark),
        )

    # -- one record -----------------------------------------------------------------------------------------------

    async def _blank(self, _: web.Request) -> web.Response:
        return parts.page(self._new_form({}, ""))

    async def _create(self, request: web.Request) -> web.Response:
        given = await _form(request)
        try:
            party = self._office.desk_create(given)
        except RefusedError as refused:
            return parts.page(self._new_form(given, parts.reason(refused)), status=400)
        raise web.HTTPSeeOther(f"{PREFIX}/{party.bet_nr}")

    def _new_form(self, given: Mapping[str, Any], error: str) -> str:
        form = html.post_form(f"{PREFIX}/neu", _inputs(given) + f'<div class="row">{html.button("Anlegen")}</div>')
        return html.frame("Neuer Beteiligter", parts.error(error) + html.section("Neuer Beteiligter", form))

    async def _show(self, request: web.Request) -> web.Response:
        return parts.page(self._detail(self._office.party(_bet_nr(request)), request.query.get("fehler", "")))

    async def _save(self, request: web.Request) -> web.Response:
        number = _bet_nr(request)
        return self._back(number, lambda given: self._office.desk_change(number, given), await _form(request))

    async def _act(self, request: web.Request) -> web.Response:
        number, verb = _bet_nr(request), request.match_info["verb"]
        if verb == "delete":
            self._office.desk_delete(number)
            raise web.HTTPSeeOther("/")
        if verb in ("use", "unuse"):
            self._office.desk_in_use(number, verb == "use")
        elif verb == "open":
            self._office.desk_open(number)
        else:
            self._office.desk_close(number)
        raise web.HTTPSeeOther(f"{PREFIX}/{number}")

    async def _add_child(self, request: web.Request) -> web.Response:
        number, kind = _bet_nr(request), request.match_info["kind"]
        given = _typed(kind, await _form(request))
        return self._back(number, lambda values: self._office.desk_add_child(number, kind, values), given)

    async def _save_child(self, request: web.Request) -> web.Response:
        number, kind, child = _bet_nr(request), request.match_info["kind"], int(request.match_info["id"])
        given = _typed(kind, await _form(request))
        return self._back(number, lambda values: self._office.desk_change_child(number, kind, child, values), given)

    def _back(self, bet_nr: int, write: Any, given: Mapping[str, Any]) -> web.Response:
        try:
            write(given)
        except RefusedError as refused:
            return parts.page(self._detail(self._office.party(bet_nr), parts.reason(refused)), status=refused.status)
        raise web.HTTPSeeOther(f"{PREFIX}/{bet_nr}")

    def _detail(self, party: Party, error: str) -> str:
        path, opened = f"{PREFIX}/{party.bet_nr}", self._office.is_open(party.bet_nr)
        acts = (
            html.post_form(f"{path}/{'close' if opened else 'open'}", html.button(parts.open_label(opened), "plain")),
            html.post_form(f"{path}/{'unuse' if party.in_use else 'use'}", html.button(_use_label(party), "plain")),
            html.post_form(f"{path}/delete", html.button("Löschen", "danger")),
        )
        form = html.post_form(path, _inputs(party.values) + f'<div class="row">{html.button("Speichern")}</div>')
        badge = '<span class="badge">geöffnet: API erhält 409</span>' if opened else ""
        head = (
            f"<h1>Beteiligter {party.bet_nr}</h1><p>Row-Id <code>{party.row_id}</code>, "
            f"geändert am {party.changed:%d.%m.%Y %H:%M:%S} {badge}</p>"
        )
        children = "".join(_children(party, kind) for kind in CHILD_TITLES)
        changes = html.section("Änderungen", parts.versions(self._office.history.get(party.bet_nr, ())))
        calls = html.section("Aufrufe der API zu diesem Datensatz", parts.api_calls(self._control, str(party.bet_nr)))
        body = head + parts.error(error) + html.section("Stammdaten", form + f'<div class="row">{"".join(acts)}</div>')
        return html.frame(f"Beteiligter {party.bet_nr}", body + children + changes + calls)


def _use_label(party: Party) -> str:
    return "Aus der Akte nehmen" if party.in_use else "In eine Akte aufnehmen"


def _matches(party: Party, wanted: str) -> bool:
    values = party.values
    return wanted in f"{values['name']} {values['vorname']} {values['name']} {party.bet_nr}".casefold()


def _inputs(values: Mapping[str, Any]) -> str:
    cells = [
        html.field(name, values.get(name), read_only_for_api=name in BETEILIGTE_READ_ONLY, day=check is day)
        for name, check in BETEILIGTE_ALL.items()
    ]
    return f'<div class="grid">{"".join(cells)}</div>'


def _children(party: Party, kind: str) -> str:
    path, known = f"{PREFIX}/{party.bet_nr}/{kind}", CHILD_FIELDS[kind]
    blank = replaced(known, {"kommKz": 1})
    forms = []
    for child in (*party.children[kind], None):
        values = child.values if child else blank
        cells = "".join(html.field(name, values[name], day=check is day) for name, check in known.items())
        label = "Speichern" if child else "Hinzufügen"
        note = f"<code>Nr. {child.id}, Row-Id {child.row_id}</code>" if child else "<code>neu</code>"
        action = f"{path}/{child.id}" if child else path
        row = f'<div class="grid">{cells}</div><div class="row">{html.button(label, "plain")}{note}</div>'
        forms.append(html.post_form(action, row, "child"))
    return html.section(CHILD_TITLES[kind], "".join(forms))


async def _form(request: web.Request) -> dict[str, Any]:
    """The fields of a form; days from the date inputs become what the API has."""
    given = {name: str(value) for name, value in (await request.post()).items()}
    days = ("geburtsdatum", "gueltigVon", "gueltigBis", "mandatVom")
    return {name: f"{value}T00:00:00" if name in days and value else value for name, value in given.items()}


def _typed(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    boxes = {"kommunikation": "online", "adressen": "standardAnschrift"}
    if (box := boxes.get(kind)) is not None:
        given = {**given, box: box in given}
    if "kommKz" in given:
        given["kommKz"] = int(given["kommKz"]) if str(given["kommKz"]).isdecimal() else 0
    return given


def _bet_nr(request: web.Request) -> int:
    return int(request.match_info["betNr"])
