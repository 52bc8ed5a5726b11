"""HTML of the page, as text. Everything from records is escaped."""

# ruff: noqa: E501 -- HTML

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

from sandbox.espocrm.metadata import EntityDef

LABELS = {
    "name": "Name", "salutationName": "Anrede", "firstName": "Vorname", "lastName": "Nachname", "middleName": "Zweiter Vorname",
    "firmenname": "Firmenname", "rechtsform": "Rechtsform", "titel": "Titel", "briefAnrede": "Briefanrede", "zusatz": "Zusatz",
    "dateOfBirth": "Geburtsdatum", "geburtsname": "Geburtsname", "familienstand": "Familienstand", "betnr": "BetNr",
    "handelsregisterNummer": "Handelsregister-Nr.", "registergericht": "Registergericht", "emailAddress": "E-Mail",
    "phoneNumber": "Telefon", "description": "Beschreibung", "syncStatus": "Sync-Status", "syncErrorMessage": "Sync-Fehler",
    "syncRetryCount": "Sync-Versuche", "syncNextRetry": "Nächster Versuch", "advowareLastSync": "Letzter Sync",
    "advowareRowId": "Row-Id", "advowareDeletedAt": "In Advoware gelöscht am", "modifiedAt": "Geändert", "status": "Status",
    "modifiedByName": "Geändert von", "assignedUserId": "Zugewiesen (Id)", "iban": "IBAN", "adresseCity": "Ort",
    "xaiSyncActive": "xAI-Sync aktiv", "xaiCollectionId": "xAI-Sammlung", "nextCall": "Nächster Anruf",
}  # fmt: skip
EDITABLE = (
    "varchar",
    "text",
    "enum",
    "int",
    "float",
    "date",
    "datetime",
    "bool",
    "email",
    "phone",
    "address",
    "link",
    "url",
)


@dataclass(frozen=True)
class Parts:
    """What the page is made of."""

    entities: list[str]
    entity: str
    version: str
    message: str | None
    failed: bool
    form: str
    listing: str
    notes: str
    queue: str


def label(name: str) -> str:
    """The German label of a key, or the key."""
    return escape(LABELS.get(name, name))


def _static(name: str) -> str:
    return resources.files("sandbox.espocrm").joinpath("static", name).read_text(encoding="utf-8")


def page(parts: Parts) -> str:
    """The whole document."""
    here = {name: ' class="here"' if name == parts.entity else "" for name in parts.entities}
    links = "".join(f'<a href="/?typ={escape(name)}"{here[name]}>{escape(name)}</a>' for name in parts.entities)
    bad = " bad" if parts.failed else ""
    message = f'<div class="message{bad}">{escape(parts.message)}</div>' if parts.message else ""
    entity = escape(parts.entity)
    return f"""<!DOCTYPE html>
<html lang="de"><head><meta charset="utf-8"><title>EspoCRM (Sandbox)</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_static("page.css")}</style></head>
<body><header><h1>EspoCRM</h1><nav>{links}</nav><small>Sandbox, Version {escape(parts.version)}, angemeldet als Anna</small></header>
<main><div>{message}
<section data-part="/_page/list/{entity}">{parts.listing}</section>
<section>{parts.form}</section></div>
<div><section data-part="/_page/notes">{parts.notes}</section>
<section data-part="/_page/queue">{parts.queue}</section></div></main>
<script>{_static("page.js")}</script></body></html>"""


def _cell(name: str, value: Any) -> str:
    text = "" if value is None else str(value)
    if name in ("syncStatus", "status") and text:
        return f'<span class="pill {escape(text)}">{escape(text)}</span>'
    return escape(text)


def listing(entity: str, columns: list[str], rows: list[tuple[str, dict[str, Any]]], total: int) -> str:
    """The table of records."""
    heads = "".join(f"<th>{label(name)}</th>" for name in columns)
    lines = []
    for record_id, values in rows:
        cells = "".join(f"<td>{_cell(name, values[name])}</td>" for name in columns)
        link = f"/?typ={escape(entity)}&amp;id={escape(record_id)}"
        lines.append(f'<tr>{cells}<td><a href="{link}">bearbeiten</a></td></tr>')
    body = "".join(lines) or f'<tr><td class="empty" colspan="{len(columns) + 1}">Noch keine Datensätze.</td></tr>'
    return f"<h2>{escape(entity)}: {total}</h2><table><tr>{heads}<th></th></tr>{body}</table>"


def editable_keys(entity: EntityDef) -> list[str]:
    """The keys that the form has."""
    kept = []
    for attribute in entity.attributes.values():
        spec = entity.fields.get(attribute.field, {})
        plain = attribute.kind in ("column", "email_primary", "phone_primary")
        if plain and attribute.writable and spec.get("type") in EDITABLE and not attribute.name.endswith("Type"):
            kept.append(attribute.name)
    return kept


def form(entity: EntityDef, values: dict[str, Any], record_id: str | None) -> str:
    """The form of one record, empty for a new one."""
    inputs = "".join(_input(entity, name, values.get(name)) for name in editable_keys(entity))
    name = escape(entity.name)
    if record_id is None:
        buttons = "<button>Anlegen</button>"
        return (f'<h2>Neu: {name}</h2><form class="fields" method="post" action="/_page/save/{name}">{inputs}'
                f'<div class="buttons">{buttons}</div></form>')  # fmt: skip
    shown, target = escape(record_id), f"{name}/{escape(record_id)}"
    buttons = (f'<button>Speichern</button><button class="plain" formaction="/_page/delete/{target}">Löschen</button>'
               f'<button class="plain" formaction="/_page/erase/{target}">Personenbezogene Daten löschen</button>')  # fmt: skip
    title = escape(str(values.get("name") or values.get("firmenname") or shown))
    return (f'<h2>{title} <small class="empty">{shown}</small> · <a href="/?typ={name}">neu anlegen</a></h2>'
            f'<form class="fields" method="post" action="/_page/save/{target}">{inputs}<div class="buttons">{buttons}</div></form>')  # fmt: skip


def _input(entity: EntityDef, name: str, value: Any) -> str:
    spec = entity.fields[entity.attributes[name].field]
    text = "" if value is None else escape(str(value), quote=True)
    key = escape(name, quote=True)
    kind = spec["type"]
    if kind == "enum":
        options = [""] if "" not in spec["options"] and value is None else []
        shown = "".join(
            f"<option{' selected' if each == (value or '') else ''}>{escape(each)}</option>"
            for each in options + spec["options"]
        )
        field = f'<select name="{key}">{shown}</select>'
    elif kind == "bool":
        chosen = " selected" if value else ""
        field = (
            f'<select name="{key}"><option value="false">nein</option><option value="true"{chosen}>ja</option></select>'
        )
    elif kind == "text":
        field = f'<textarea name="{key}">{text}</textarea>'
    else:
        field = f'<input name="{key}" value="{text}"{" type=date" if kind == "date" else ""}>'
    return f"<label>{label(name)}{field}</label>"


def changes(entity: EntityDef, given: dict[str, str], shown: dict[str, Any]) -> dict[str, Any]:
    """What a form changed; an empty input is null."""
    body: dict[str, Any] = {}
    for name in editable_keys(entity):
        if name not in given:
            continue
        text = given[name].replace("\r\n", "\n")
        is_bool = entity.type_of(entity.attributes[name].field) == "bool"
        before = (
            str(shown.get(name) or False).lower() if is_bool else "" if shown.get(name) is None else str(shown[name])
        )
        if text != before:
            body[name] = text == "true" if is_bool else text or None
    return body


def notes(shown: list[dict[str, Any]]) -> str:
    """Posts, newest first."""
    blocks = []
    for note in shown:
        about = note.get("parentName") or note.get("parentId") or ", ".join((note.get("usersNames") or {}).values())
        head = f"{note.get('createdAt')} · {note.get('createdByName')} · {about or 'alle'}"
        blocks.append(f'<div class="note"><small>{escape(head)}</small>\n{escape(str(note.get("post") or ""))}</div>')
    return "<h2>Notizen</h2>" + ("".join(blocks) or '<p class="empty">Keine.</p>')


def queue(counts: dict[str, int], rows: list[tuple[str, str, str, str]], *, enabled: bool) -> str:
    """The webhook queue."""
    numbers = ", ".join(f"{count} {word}" for word, count in counts.items())
    off = "" if enabled else ' <span class="pill failed">ausgeschaltet</span>'
    lines = "".join(
        f'<tr><td>{escape(number)}</td><td>{escape(event)}</td><td><span class="pill {escape(state)}">{escape(state)}</span></td></tr>'
        for number, event, _, state in rows
    )
    return f"<h2>Webhooks{off}</h2><p>{numbers}</p><table><tr><th>Nr.</th><th>Ereignis</th><th>Stand</th></tr>{lines}</table>"
