"""Text as MySQL's utf8mb4_unicode_ci compares it: case, accents and trailing blanks do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The form in which two texts are equal for the database."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)).rstrip(" ")


@lru_cache(maxsize=4096)
def like_pattern(pattern: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression over folded text."""
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in fold(pattern)), re.DOTALL)


def like(value: Any, pattern: Any) -> bool:
    """SQL LIKE; NULL is like nothing."""
    if value is None or pattern is None:
        return False
    return like_pattern(as_text(pattern)).fullmatch(fold(as_text(value))) is not None


def as_text(value: Any) -> str:
    """A scalar as the database writes it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")


def as_number(value: Any) -> float:
    """A scalar as the database reads it next to a number: leading digits, else 0."""
    if isinstance(value, bool | int | float):
        return float(value)
    match = _NUMBER.match(str(value))
    return float(match.group(0)) if match else 0.0
