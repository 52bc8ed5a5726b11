"""The look of the page: one frame, inline style, no assets from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { --ink: #1f2328; --soft: #5f6b76; --line: #dfe3e8; --paper: #f6f8fa; --blue: #1a56b0; --red: #a8322a }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { background: #1f2328; color: #fff; padding: 12px 24px; display: flex; gap: 16px; align-items: baseline }
header a { color: #fff; text-decoration: none; font-weight: 600 } header span { opacity: .8; font-size: 13px }
main { max-width: 1240px; margin: 0 auto; padding: 16px 24px 60px }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 14px 0 }
h2 { font-size: 15px; margin: 0 0 10px } h2 small { color: var(--soft); font-weight: 400 }
table { width: 100%; border-collapse: collapse; font-size: 13.5px }
th { text-align: left; color: var(--soft); font-weight: 500 }
td, th { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
td small { color: var(--soft); display: block }
.pill { border-radius: 10px; padding: 1px 9px; font-size: 12px; background: #fff3cd; color: #6b5000 }
.PROCESSED { background: #dcf5e3; color: #14632b } .FAILED { background: #fbe3e1; color: var(--red) }
form.row { display: flex; gap: 10px; flex-wrap: wrap; align-items: end }
label { flex: 1; min-width: 220px; font-size: 12.5px; color: var(--soft) }
input, select { width: 100%; padding: 6px 8px; border: 1px solid #c5ced6; border-radius: 5px; font: inherit }
button { padding: 6px 14px; border: 1px solid var(--blue); background: var(--blue); color: #fff; border-radius: 5px;
  font: inherit; cursor: pointer }
button.plain { background: none; color: var(--red); border: 0; padding: 0; font-size: 13px }
.hit { border-left: 3px solid var(--blue); padding: 2px 12px; margin: 10px 0 } .hit p { margin: 4px 0 }
.empty { color: var(--soft) }
"""
ACTION = "/_page/delete"


@dataclass(frozen=True)
class Hit:
    """One answer of a search."""

    collections: str
    name: str
    page: int | None
    score: float
    text: str


@dataclass(frozen=True)
class Row:
    """One document of a collection."""

    file_id: str
    name: str
    status: str
    error: str
    fields: str


def frame(body: str) -> str:
    """A whole page around this body."""
    return (
        '<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>xAI-Sammlungen</title><style>{STYLE}</style></head><body>"
        '<header><a href="/">xAI-Sammlungen</a><span>Sandbox: erfundene Daten, nur im Speicher</span></header>'
        f"<main>{body}</main></body></html>"
    )


def question(text: str, collections: Sequence[tuple[str, str]], chosen: str) -> str:
    """The search box."""
    options = '<option value="">alle Sammlungen</option>' + "".join(
        f'<option value="{escape(name)}"{" selected" if name == chosen else ""}>{escape(title)}</option>'
        for name, title in collections
    )
    return (
        '<section><h2>Suche</h2><form class="row"><label>Frage'
        f'<input name="frage" value="{escape(text)}" placeholder="Wie hoch ist der Mietrückstand?"></label>'
        f'<label>in<select name="sammlung">{options}</select></label><button>Suchen</button></form></section>'
    )


def answers(hits: Sequence[Hit]) -> str:
    """What was found, best first."""
    shown = "".join(
        f'<div class="hit"><b>{escape(hit.name)}</b>{f", Seite {hit.page}" if hit.page else ""}'
        f' <small class="empty">{escape(hit.collections)} · {hit.score:.2f}</small><p>{escape(hit.text)}</p></div>'
        for hit in hits
    )
    return f"<section><h2>Treffer</h2>{shown or _empty('Nichts gefunden.')}</section>"


def nothing() -> str:
    """Before the first collection."""
    return f"<section><h2>Noch keine Sammlungen</h2>{_empty('Die erste entsteht mit dem ersten Abgleich.')}</section>"


def collection(collection_id: str, name: str, description: str, rows: Sequence[Row]) -> str:
    """One collection with its documents."""
    lines = "".join(
        f"<tr><td>{escape(row.name)}<small>{escape(row.file_id)}</small></td>"
        f'<td><span class="pill {escape(row.status)}">{escape(row.status)}</span>'
        f"<small>{escape(row.error)}</small></td><td><small>{escape(row.fields)}</small></td>"
        f"<td>{_button('aus der Sammlung nehmen', collection_id, row.file_id)}</td></tr>"
        for row in rows
    )
    table = f"<table><tr><th>Dokument</th><th>Stand</th><th>Felder</th><th></th></tr>{lines}</table>"
    return (
        f"<section><h2>{escape(name)} <small>{escape(description)} · {escape(collection_id)}</small></h2>"
        f"{table if rows else _empty('Keine Dokumente.')}"
        f"<p>{_button('Sammlung löschen', collection_id, '')}</p></section>"
    )


def files(rows: Sequence[tuple[str, str, int, int]]) -> str:
    """All files: id, name, bytes, number of collections."""
    lines = "".join(
        f"<tr><td>{escape(name)}<small>{escape(file_id)}</small></td><td>{size:,} Bytes</td>"
        f"<td>{places or 'keiner'}</td><td>{_button('löschen', '', file_id)}</td></tr>"
        for file_id, name, size, places in rows
    )
    table = f"<table><tr><th>Datei</th><th>Größe</th><th>in Sammlungen</th><th></th></tr>{lines}</table>"
    return f"<section><h2>Dateien</h2>{table if rows else _empty('Keine.')}</section>"


def _empty(text: str) -> str:
    return f'<p class="empty">{escape(text)}</p>'


def _button(label: str, collection_id: str, file_id: str) -> str:
    return (
        f'<form method="post" action="{ACTION}"><input type="hidden" name="sammlung" value="{escape(collection_id)}">'
        f'<input type="hidden" name="datei" value="{escape(file_id)}">'
        f'<button class="plain">{escape(label)}</button></form>'
    )
