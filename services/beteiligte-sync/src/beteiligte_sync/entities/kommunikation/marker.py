"""Our marker at the front of a row's `bemerkung`, before the user's own text, which is always kept. Pure.

`[ESPOCRM:<base64url(value)>:<kommKz>] text` for a live row, `[ESPOCRM-SLOT:<kommKz>] text` for an emptied one that
may be used again. Source: contracts/advoware.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

LIMIT = 255
_BEFORE = "[\\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*"
"""Blanks and invisible characters that got in front of it at a desk."""
_MARKER = re.compile(_BEFORE + r"\[ESPOCRM(?P<slot>-SLOT)?:(?:(?P<value>[A-Za-z0-9_-]*={0,2}):)?(?P<kz>\d{1,2})\]")
_BROKEN = re.compile(_BEFORE + r"\[ESPOCRM[A-Za-z0-9_=:-]*\]?")
"""What is left of a marker that was cut or edited: ours to replace, and nothing that a user wrote."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A `bemerkung`, taken apart. `value` is what we last wrote; None for a slot, and where there is no marker."""

    text: str
    value: str | None = None
    komm_kz: int = 0
    is_slot: bool = False


def read(bemerkung: str) -> Marked:
    """Marker and user's text. A marker that can't be read counts as none."""
    found = _MARKER.match(bemerkung)
    if found is None or bool(found["slot"]) == (found["value"] is not None):
        broken = _BROKEN.match(bemerkung)
        return Marked(_text_after(bemerkung, broken.end()) if broken else bemerkung)
    text = _text_after(bemerkung, found.end())
    if found["slot"]:
        return Marked(text, komm_kz=int(found["kz"]), is_slot=True)
    value = _decoded(found["value"])
    return Marked(text) if value is None else Marked(text, value, int(found["kz"]))


def live(bemerkung: str, value: str, komm_kz: int) -> str:
    """The same user's text behind a marker for `value`; without a marker where the two don't fit."""
    coded = base64.urlsafe_b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
    return _before(read(bemerkung).text, f"[ESPOCRM:{coded}:{komm_kz}]")


def slot(bemerkung: str, komm_kz: int) -> str:
    """The same user's text behind the marker of a free slot."""
    return _before(read(bemerkung).text, f"[ESPOCRM-SLOT:{komm_kz}]")


def _before(text: str, marker: str) -> str:
    marked = f"{marker} {text}" if text else marker
    return marked if len(marked) <= LIMIT else text


def _text_after(bemerkung: str, end: int) -> str:
    rest = bemerkung[end:]
    return rest[1:] if rest.startswith(" ") else rest


def _decoded(coded: str) -> str | None:
    try:
        padded = coded + "=" * (-len(coded) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogatepass") or None
    except (binascii.Error, ValueError):
        return None
