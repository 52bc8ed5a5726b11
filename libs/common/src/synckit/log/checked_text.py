"""Which texts may stand in a log line: words and ids of ours, short and plain. Pure; nothing is imported from us."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NewType

Word = NewType("Word", str)
"""A word of ours that has been checked: one of few, as outcomes and topics are."""
Ident = NewType("Ident", str)
"""An id that has been checked: one of many."""

MAX_TEXT = 200
PLAIN = re.compile(r"[\w.:=+/@-]*\Z", re.ASCII)
"""No blank, no letter that a name would have and an id has not."""


def plain(value: str) -> str:
    """The text itself, or its length alone where it may be anything."""
    return value if len(value) <= MAX_TEXT and PLAIN.match(value) else f"[str {len(value)}]"


def word(value: str) -> Word:
    """Remembered, as words come with every line; a long one would only push others out."""
    return _known(value) if len(value) <= MAX_TEXT else Word(plain(value))


def ident(value: str) -> Ident:
    """Most are letters and digits, which needs no pattern."""
    if value.isalnum() and value.isascii() and len(value) <= MAX_TEXT:
        return Ident(value)
    return Ident(plain(value))


@lru_cache(maxsize=1024)
def _known(value: str) -> Word:
    return Word(plain(value))
