"""The look of the page: one frame, inline style, no assets from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { --ink: #1d2733; --soft: #66727f; --line: #dde3e9; --paper: #f5f7f9; --blue: #1f5fa8; --red: #a8322a; }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { background: #14324f; color: #fff; padding: 12px 24px; display: flex; gap: 16px; align-items: baseline }
header a { color: #fff; text-decoration: none; font-weight: 600 } header span { opacity: .75; font-size: 13px }
main { max-width: 1120px; margin: 0 auto; padding: 16px 24px 60px }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 14px 0 }
h1 { font-size: 20px; margin: 6px 0 } h2 { font-size: 15px; margin: 0 0 10px }
table { width: 100%; border-collapse: collapse; font-size: 14px }
th { text-align: left; color: var(--soft); font-weight: 500 }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--line) } tr:last-child td { border-bottom: 0 }
a { color: var(--blue) } code { font-size: 12px; color: var(--soft) }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 10px 14px }
label { font-size: 12.5px; color: var(--soft); display: block } label.read span::after { content: " (API: nur lesen)" }
input, textarea { width: 100%; padding: 6px 8px; border: 1px solid #c5ced6; border-radius: 5px; font: inherit;
  color: var(--ink) }
input[type=checkbox] { width: auto }
.row { display: flex; gap: 8px; flex-wrap: wrap; align-items: end; margin-top: 10px }
button { padding: 6px 14px; border: 1px solid var(--blue); background: var(--blue); color: #fff; border-radius: 5px;
  font: inherit; cursor: pointer } button.plain { background: #fff; color: var(--blue) }
button.danger { background: #fff; color: var(--red); border-color: var(--red) }
.week { display: grid; grid-template-columns: repeat(7, 1fr); gap: 8px } .week h3 { font-size: 13px; margin: 0 0 6px }
.week a { display: block; text-decoration: none; border-left: 3px solid var(--blue); background: var(--paper);
  padding: 4px 6px; margin: 4px 0; font-size: 13px; overflow-wrap: anywhere } .week .series { border-color: #7a5200 }
.badge { background: #fdf0d5; color: #7a5200; border-radius: 10px; padding: 1px 9px; font-size: 12.5px }
.error { border-color: var(--red); color: var(--red) } .child { border-top: 1px solid var(--line); padding: 10px 0 }
"""


def frame(title: str, body: str, *, refresh: int | None = None) -> str:
    """A whole page around this body."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        f'<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">{again}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        '<header><a href="/">Advoware</a><a href="/_page/termine">Termine</a>'
        "<span>Sandbox: erfundene Daten, nur im Speicher</span></header>"
        f"<main>{body}</main></body></html>"
    )


def section(heading: str, body: str, css: str = "") -> str:
    """One white box."""
    return f'<section class="{css}"><h2>{escape(heading)}</h2>{body}</section>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    """A table; cells are HTML already. Without rows, a sentence."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return f"<p><code>{escape(empty)}</code></p>"
    return "<table><tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>" + "".join(lines) + "</table>"


def field(name: str, value: object, *, read_only_for_api: bool = False, day: bool = False) -> str:
    """One labelled input; a bool becomes a check box."""
    css = ' class="read"' if read_only_for_api else ""
    label = f"<label{css}><span>{escape(name)}</span>"
    if isinstance(value, bool):
        return f'{label}<input type="checkbox" name="{escape(name)}" {"checked" if value else ""}></label>'
    shown = escape("" if value is None else str(value))
    if day:
        return f'{label}<input type="date" name="{escape(name)}" value="{shown[:10]}"></label>'
    return f'{label}<input name="{escape(name)}" value="{shown}" autocomplete="off"></label>'


def area(name: str, value: str) -> str:
    """One labelled input of several lines."""
    shown = escape(value)
    return f'<label><span>{escape(name)}</span><textarea name="{escape(name)}" rows="5">\n{shown}</textarea></label>'


def button(label: str, css: str = "") -> str:
    """One submit button."""
    return f'<button class="{css}">{escape(label)}</button>'


def post_form(action: str, body: str, css: str = "") -> str:
    """A form that posts to this path."""
    return f'<form method="post" action="{escape(action)}" class="{css}">{body}</form>'
