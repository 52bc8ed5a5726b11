"""The look of the page: one frame, inline style, no assets from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from urllib.parse import quote

STYLE = """
:root { --ink: #1f2328; --soft: #5f6b76; --line: #dfe3e8; --paper: #f6f8fa; --blue: #1a56b0; --red: #a8322a }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { background: #1a56b0; color: #fff; padding: 12px 24px; display: flex; gap: 16px; align-items: baseline }
header a { color: #fff; text-decoration: none; font-weight: 600 } header span { opacity: .8; font-size: 13px }
main { max-width: 1240px; margin: 0 auto; padding: 16px 24px 60px }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 14px 0 }
h2 { font-size: 15px; margin: 0 0 10px } a { color: var(--blue) }
.week { display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 8px; margin-top: 12px }
.day { border: 1px solid var(--line); border-radius: 6px; min-height: 260px; padding: 6px }
.day h3 { font-size: 13px; margin: 0 0 6px; color: var(--soft); display: flex; justify-content: space-between }
.card { display: block; background: #e8f0fd; border-left: 3px solid var(--blue); border-radius: 4px; padding: 4px 6px;
  margin: 0 0 6px; text-decoration: none; color: var(--ink); font-size: 13px; overflow-wrap: anywhere }
.card small { color: var(--soft); display: block }
label { display: block; font-size: 12.5px; color: var(--soft); margin: 8px 0 } .row { display: flex; gap: 10px;
  flex-wrap: wrap; align-items: end }
input, textarea, select { width: 100%; padding: 6px 8px; border: 1px solid #c5ced6; border-radius: 5px; font: inherit }
input[type=checkbox] { width: auto } .row label { flex: 1; min-width: 200px }
button { padding: 6px 14px; border: 1px solid var(--blue); background: var(--blue); color: #fff; border-radius: 5px;
  font: inherit; cursor: pointer } button.plain { background: #fff; color: var(--blue) }
button.danger { background: #fff; color: var(--red); border-color: var(--red) } .error { color: var(--red) }
"""
DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
ACTION = "/_page/events"


@dataclass(frozen=True)
class Card:
    """One event on one day."""

    hours: str
    title: str
    place: str
    link: str
    day: date


def frame(title: str, body: str) -> str:
    """A whole page around this body."""
    return (
        '<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        '<header><a href="/">Google Kalender</a><span>Sandbox: erfundene Daten, nur im Speicher</span></header>'
        f"<main>{body}</main></body></html>"
    )


def nothing() -> str:
    """Before the first calendar."""
    return "<section><h2>Noch keine Kalender</h2><p>Der erste entsteht mit dem ersten Abgleich.</p></section>"


def column(day: date, cards: Sequence[Card]) -> str:
    """One day."""
    rows = "".join(
        f'<a class="card" href="{escape(card.link)}"><small>{escape(card.hours)}</small>{escape(card.title)}'
        f"<small>{escape(card.place)}</small></a>"
        for card in cards
    )
    return f'<div class="day"><h3>{DAYS[day.weekday()]} {day:%d.%m.}{{new:{day}}}</h3>{rows}</div>'


def week(choices: Sequence[tuple[str, str]], chosen: str, monday: date, columns: Sequence[str]) -> str:
    """The choice of a calendar, the way to other weeks, and seven days."""
    options = "".join(
        f'<option value="{escape(name)}"{" selected" if name == chosen else ""}>{escape(title)}</option>'
        for name, title in choices
    )
    calendar = quote(chosen)
    ways = " ".join(
        f'<a href="/?kalender={calendar}&amp;tag={monday + timedelta(days=days)}">{text}</a>'
        for days, text in ((-7, "← vorige Woche"), (7, "nächste Woche →"))
    )
    form = (
        f'<form class="row"><label>Kalender<select name="kalender">{options}</select></label>'
        f'<label>Woche mit dem Tag<input type="date" name="tag" value="{monday}"></label>'
        f'<button class="plain">Anzeigen</button><span>{ways}</span></form>'
    )
    days = "".join(columns)
    for number in range(7):
        day = monday + timedelta(days=number)
        link = f'<a href="{ACTION}?kalender={calendar}&amp;tag={day}" title="Neuer Termin">+</a>'
        days = days.replace(f"{{new:{day}}}", link)
    return f'<section><h2>Woche ab {monday:%d.%m.%Y}</h2>{form}<div class="week">{days}</div></section>'


def dead(rows: Sequence[tuple[str, str]]) -> str:
    """The bin."""
    links = "".join(f'<li><a href="{escape(link)}">{escape(title or "(ohne Titel)")}</a></li>' for title, link in rows)
    return f"<section><h2>Papierkorb</h2><ul>{links}</ul></section>" if rows else ""


def form(calendar: str, event: str, values: Mapping[str, str], *, error: str, in_series: bool, dead: bool) -> str:
    """One event to edit; the buttons are what can be done with it."""
    checked = " checked" if "ganztags" in values else ""
    return (
        f"<section><h2>{'Termin' if event else 'Neuer Termin'}</h2>"
        + (f'<p class="error">{escape(error)}</p>' if error else "")
        + f'<form method="post" action="{ACTION}">{_hidden("kalender", calendar)}{_hidden("id", event)}'
        + _input("Titel", "summary", values)
        + f'<div class="row">{_input("Beginn", "start", values, "datetime-local")}'
        + f"{_input('Ende', 'end', values, 'datetime-local')}</div>"
        + f'<label><input type="checkbox" name="ganztags"{checked}> ganztägig</label>'
        + _input("Ort", "location", values)
        + _area("Notiz", "description", values, 4)
        + ("" if in_series else _area("Wiederholung (RRULE:…)", "recurrence", values, 2))
        + f'<div class="row">{_buttons(event, in_series, dead)}</div></form></section>'
    )


def _buttons(event: str, in_series: bool, dead: bool) -> str:
    if not event:
        return _button("save", "Anlegen")
    if dead:
        return _button("restore", "Wiederherstellen")
    series = (
        _button("following", "Diesen und alle folgenden ändern", "plain")
        + _button("delete-series", "Serie löschen", "danger")
        if in_series
        else ""
    )
    own = _button("save", "Nur diesen speichern" if in_series else "Speichern")
    return own + _button("copy", "Kopieren", "plain") + _button("delete", "Löschen", "danger") + series


def _button(verb: str, label: str, css: str = "") -> str:
    return f'<button class="{css}" name="tun" value="{verb}">{label}</button>'


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _input(label: str, name: str, values: Mapping[str, str], kind: str = "text") -> str:
    return f'<label>{label}<input type="{kind}" name="{name}" value="{escape(values.get(name, ""))}"></label>'


def _area(label: str, name: str, values: Mapping[str, str], rows: int) -> str:
    return f'<label>{label}<textarea name="{name}" rows="{rows}">{escape(values.get(name, ""))}</textarea></label>'
