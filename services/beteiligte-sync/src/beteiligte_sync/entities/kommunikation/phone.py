"""Phone numbers as people type them → E.164, the only form that EspoCRM takes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

REGION = "DE"
_E164 = re.compile(r"\+[1-9]\d{2,14}")
_NOTATION = re.compile(r"[(\[\s]*[0+][0-9+()\[\]/.\s‐-―−-]+")
"""Digits and what people put between them. With any word in it a value is a person's text and no number, and
without an area code it is a number in a town that we don't know.
"""


@lru_cache(maxsize=4096)
def number_of(typed: str) -> str | None:
    """E.164, German where no country is named; None for what is no number, or more than one."""
    text = typed.strip()
    if _E164.fullmatch(text):
        return text
    if not _NOTATION.fullmatch(text):
        return None
    try:
        parsed = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return found if _E164.fullmatch(found) else None
