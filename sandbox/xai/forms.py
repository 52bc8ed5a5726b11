"""Request bodies: JSON objects and forms (RFC 7578), and what is said where they are none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.xai.errors import XaiError, invalid

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"')
_FILENAME = re.compile(r'(?:^|;)\s*filename="([^"]*)"')
_ENCODED = re.compile(r"(?:^|;)\s*filename\*=utf-8''([^;\s]+)", re.IGNORECASE)
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True)
class Part:
    """One field of a form, in the order in which it came. Without `filename` it is text."""

    name: str
    content: bytes = field(repr=False)
    filename: str | None = None
    content_type: str = ""

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body of a call that needs one: 415 for another type, 400 for no JSON, 422 for no object."""
    raw = await request.read()
    if request.content_type != "application/json":
        raise XaiError(415, "Expected request with `Content-Type: application/json`")
    try:
        given = json.loads(raw)
    except ValueError:
        raise invalid("Failed to parse the request body as JSON") from None
    if not isinstance(given, dict):
        raise XaiError(422, "The request body is not an object")
    return given


async def optional_object(request: web.Request) -> dict[str, Any]:
    """The same where a body may be missing."""
    return await json_object(request) if await request.read() else {}


async def form(request: web.Request) -> list[Part]:
    """The parts of a form; 415 where it is none."""
    raw = await request.read()
    found = _BOUNDARY.search(request.headers.get("Content-Type", ""))
    if request.content_type != "multipart/form-data" or found is None:
        raise XaiError(415, "Expected request with `Content-Type: multipart/form-data`")
    between = b"\r\n--" + found[1].encode()
    pieces = (b"\r\n" + raw).split(between)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise invalid("The form has no end")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    disposition = headers.get("content-disposition", "")
    name = _NAME.search(disposition)
    if not blank or name is None:
        raise invalid("A part of the form has no name")
    return Part(name[1], content, _filename(disposition), headers.get("content-type", ""))


def _filename(disposition: str) -> str | None:
    if encoded := _ENCODED.search(disposition):
        return unquote(encoded[1])
    found = _FILENAME.search(disposition)
    if found is None:
        return None
    name = found[1]
    for written, meant in _ESCAPED.items():
        name = name.replace(written, meant)
    return name
