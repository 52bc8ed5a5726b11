"""What the pages share: tables of calls and of versions, messages, whole answers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from aiohttp import web

from sandbox.advoware import html
from sandbox.advoware.records import Version
from sandbox.advoware.refusal import RefusedError
from sandbox.calls import CallFilter
from sandbox.control import Control


def api_calls(control: Control, record: str | None) -> str:
    """The newest calls of the API, of one record or of all."""
    newest = list(control.calls.find(CallFilter(record=record)))[-20:]
    rows = [
        (
            str(call.seq),
            call.method,
            escape(call.path + ("?" + call.query if call.query else "")),
            "läuft" if call.ended is None else str(call.status or "abgebrochen"),
            escape(call.fault or ""),
            "" if call.ended is None else f"{(call.ended - call.started) * 1000:.0f} ms",
        )
        for call in reversed(newest)
    ]
    return html.table(("Nr.", "Methode", "Pfad", "Status", "Störung", "Dauer"), rows, "Noch keine Aufrufe.")


def versions(history: Iterable[Version]) -> str:
    """Who changed what, the newest first."""
    rows = [
        (
            version.at.strftime("%H:%M:%S.%f")[:-3] + " UTC",
            "API" if version.origin == "api" else "Arbeitsplatz",
            escape(version.action),
            escape(", ".join(version.fields)),
            f"<code>{version.row_id}</code>",
        )
        for version in reversed(list(history))
    ]
    return html.table(("Zeit", "Wer", "Was", "Felder", "Row-Id"), rows, "Keine.")


def open_label(opened: bool) -> str:
    """For the button that opens or closes a record."""
    return "Schließen (Sperre aufheben)" if opened else "Öffnen (für die API sperren)"


def reason(refused: RefusedError) -> str:
    """Why something was not stored."""
    details = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in (refused.errors or {}).items())
    return f"{refused.message} {details}"


def error(message: str) -> str:
    """The box with the reason; nothing without one."""
    return html.section("Nicht gespeichert", escape(message), "error") if message else ""


def page(text: str, status: int = 200) -> web.Response:
    """A page as an answer."""
    return web.Response(text=text, status=status, content_type="text/html")
