"""The diary for people at `/_page/termine`: one week of one employee or of all, every appointment to be edited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.advoware import html
from sandbox.advoware import page_parts as parts
from sandbox.advoware.diary import Diary
from sandbox.advoware.fields import TERMINE_DESK
from sandbox.advoware.refusal import RefusedError
from sandbox.advoware.termin import Termin
from sandbox.control import Control

PREFIX = "/_page/termine"
DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
NUMBERS = ("dauertermin", "turnus", "turnusArt")
BLANK = {"dauertermin": 0, "turnus": 0, "turnusArt": 0}


class WeekRoutes:
    """Server-rendered, for one person at a time."""

    def __init__(self, diary: Diary, control: Control) -> None:
        self._diary = diary
        self._control = control

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router, one = app.router, PREFIX + "/{frNr:[0-9]+}"
        router.add_get(PREFIX, self._week)
        router.add_get(PREFIX + "/neu", self._blank)
        router.add_post(PREFIX + "/neu", self._create)
        router.add_get(one, self._show)
        router.add_post(one, self._save)
        router.add_post(one + "/{verb:open|close|delete}", self._act)

    # -- a week ---------------------------------------------------------------------------------------------------

    async def _week(self, request: web.Request) -> web.Response:
        kuerzel = request.query.get("kuerzel", "")
        monday = self._monday(request.query.get("tag", ""))
        found = self._diary.everything(kuerzel)
        columns = "".join(_column(monday + timedelta(days=number), found) for number in range(7))
        title = f"Termine {kuerzel or 'aller'}, Woche ab {monday:%d.%m.%Y}"
        body = html.section(title, self._choice(kuerzel, monday) + f'<div class="week">{columns}</div>')
        calls = html.section("Letzte Aufrufe der API", parts.api_calls(self._control, None))
        return parts.page(html.frame(title, body + calls))

    def _monday(self, given: str) -> date:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            day = self._diary.today()
        return day - timedelta(days=day.weekday()) if date(1900, 1, 8) < day < date(9000, 1, 1) else date(1900, 1, 1)

    def _choice(self, kuerzel: str, monday: date) -> str:
        names = [("", "alle"), *((each, each) for each in self._diary.employees)]
        links = [f'<a href="{escape(_week_path(each, monday))}">{escape(name)}</a>' for each, name in names]
        week = timedelta(days=7)
        links += [
            f'<a href="{escape(_week_path(kuerzel, monday - week))}">Woche davor</a>',
            f'<a href="{escape(_week_path(kuerzel, monday + week))}">Woche danach</a>',
            f'<a href="{PREFIX}/neu?kuerzel={quote(kuerzel)}&amp;tag={monday}">Neuer Termin</a>',
        ]
        return f'<div class="row">{" ".join(links)}</div>'

    # -- one appointment ------------------------------------------------------------------------------------------

    async def _blank(self, request: web.Request) -> web.Response:
        day = self._monday(request.query.get("tag", ""))
        given = {**BLANK, "sb": request.query.get("kuerzel", ""), "datum": f"{day}T09:00:00", "uhrzeitBis": "10:00:00"}
        return parts.page(_new_form(given, ""))

    async def _create(self, request: web.Request) -> web.Response:
        given = await _form(request)
        try:
            termin = self._diary.desk_create(given)
        except RefusedError as refused:
            return parts.page(_new_form(given, parts.reason(refused)), status=refused.status)
        raise web.HTTPSeeOther(f"{PREFIX}/{termin.fr_nr}")

    async def _show(self, request: web.Request) -> web.Response:
        return parts.page(self._detail(self._diary.termin(_fr_nr(request)), ""))

    async def _save(self, request: web.Request) -> web.Response:
        number = _fr_nr(request)
        try:
            self._diary.desk_change(number, await _form(request))
        except RefusedError as refused:
            shown = self._detail(self._diary.termin(number), parts.reason(refused))
            return parts.page(shown, status=refused.status)
        raise web.HTTPSeeOther(f"{PREFIX}/{number}")

    async def _act(self, request: web.Request) -> web.Response:
        termin, verb = self._diary.termin(_fr_nr(request)), request.match_info["verb"]
        if verb == "delete":
            self._diary.desk_delete(termin.fr_nr)
            raise web.HTTPSeeOther(_week_path(termin.values["sb"], termin.begins.date()))
        if verb == "open":
            self._diary.desk_open(termin.fr_nr)
        else:
            self._diary.desk_close(termin.fr_nr)
        raise web.HTTPSeeOther(f"{PREFIX}/{termin.fr_nr}")

    def _detail(self, termin: Termin, error: str) -> str:
        path, opened = f"{PREFIX}/{termin.fr_nr}", self._diary.is_open(termin.fr_nr)
        title = f"Termin {termin.fr_nr}"
        acts = html.post_form(
            f"{path}/{'close' if opened else 'open'}", html.button(parts.open_label(opened), "plain")
        ) + html.post_form(f"{path}/delete", html.button("Löschen", "danger"))
        form = html.post_form(path, _inputs(termin.values) + f'<div class="row">{html.button("Speichern")}</div>')
        back = f'<a href="{escape(_week_path(termin.values["sb"], termin.begins.date()))}">zur Woche</a>'
        head = (
            f"<h1>{title}</h1><p>Row-Id <code>{termin.row_id}</code>, geändert am "
            f"{termin.changed:%d.%m.%Y %H:%M:%S}, {back}</p>"
        )
        body = head + parts.error(error) + html.section("Termin", form + f'<div class="row">{acts}</div>')
        versions = html.section("Änderungen", parts.versions(self._diary.history.get(termin.fr_nr, ())))
        calls = html.section("Aufrufe der API zu diesem Termin", parts.api_calls(self._control, str(termin.fr_nr)))
        return html.frame(title, body + versions + calls)


def _column(day: date, found: list[Termin]) -> str:
    shown = sorted((termin for termin in found if day in termin.days(day, day)), key=_by_time)
    cells = "".join(_cell(termin) for termin in shown)
    return f"<div><h3>{DAYS[day.weekday()]} {day:%d.%m.}</h3>{cells}</div>"


def _by_time(termin: Termin) -> tuple[bool, str]:
    return not termin.is_whole_days, termin.values["datum"][11:]


def _cell(termin: Termin) -> str:
    values = termin.values
    hours = "ganztägig" if termin.is_whole_days else f"{values['datum'][11:16]}–{values['uhrzeitBis'][:5]}"
    who = "/".join(dict.fromkeys(name for name in (values["sb"], values["anwalt"]) if name))
    css = "series" if termin.is_series else ""
    text = escape(" ".join(part for part in (hours, values["text"] or "(ohne Titel)", values["ort"], who) if part))
    return f'<a class="{css}" href="{PREFIX}/{termin.fr_nr}">{text}</a>'


def _new_form(given: Mapping[str, Any], error: str) -> str:
    form = html.post_form(f"{PREFIX}/neu", _inputs(given) + f'<div class="row">{html.button("Anlegen")}</div>')
    return html.frame("Neuer Termin", parts.error(error) + html.section("Neuer Termin", form))


def _inputs(values: Mapping[str, Any]) -> str:
    cells = [html.field(name, values.get(name)) for name in TERMINE_DESK if name != "notiz"]
    return f'<div class="grid">{"".join(cells)}</div>' + html.area("notiz", values.get("notiz") or "")


async def _form(request: web.Request) -> dict[str, Any]:
    """The fields of the form. A browser ends the lines of a text with CR LF, which is not what stood there."""
    given: dict[str, Any] = {name: str(value).replace("\r\n", "\n") for name, value in (await request.post()).items()}
    for name in NUMBERS:
        if str(given.get(name, "")).isdecimal():
            given[name] = int(given[name])
    return given


def _week_path(kuerzel: str, day: date) -> str:
    return f"{PREFIX}?kuerzel={quote(kuerzel)}&tag={day}"


def _fr_nr(request: web.Request) -> int:
    return int(request.match_info["frNr"])
