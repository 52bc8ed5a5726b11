"""Phone numbers as people type them → E.164, the only form that EspoCRM takes. libphonenumber decides. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

from synckit.text import squeezed

REGION = "DE"
_E164 = re.compile(r"\+[1-9]\d{2,14}")
_SCHEME = re.compile(r"tel:\s*", re.IGNORECASE)
_NOTATION = re.compile(r"[(\[\s]*[0+][0-9+()\[\]/.·•'’_~\s‐-―−⁃-]+")
"""Digits and what people put between them. With any word in it a value is a person's text and no number, and
without an area code it is a number in a town that we don't know.
"""


@lru_cache(maxsize=4096)
def number_of(typed: str) -> str | None:
    """E.164, German where no country is named; None for what is no number, or more than one, or has an extension."""
    # NFKC: digits and signs of full width are those of any keyboard.
    text = squeezed(unicodedata.normalize("NFKC", squeezed(typed)))
    if scheme := _SCHEME.match(text):
        text = text[scheme.end() :]
    if not _NOTATION.fullmatch(text):
        return None
    found = _formatted(text)
    # What means another number when it is read again (zeros that nobody can dial) is none.
    return found if found is not None and _formatted(found) == found else None


def _formatted(text: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not phonenumbers.is_possible_number(parsed):
        return None
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return found if _E164.fullmatch(found) else None
