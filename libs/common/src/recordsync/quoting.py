"""Values of fields as they may stand in a text for a user. Pure. The one place through which they go.

EspoCRM renders notes and messages as Markdown, makes links of addresses, and tells a user whose name follows an `@`.
A value is one line, of limited length, and none of that: it can't begin a line, and its marks are escaped or broken by
a word joiner, which nobody sees and every reader of ours drops. A whole e-mail address stays as it is, to be copied.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from synckit.reconcile.plan import Value

LONGEST = 200
LONGEST_IN_STATE = 60
LONGEST_STATE = 2000
NOTHING = "(leer)"
JOINER = "\N{WORD JOINER}"
_LINES = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_MARKS = re.compile(r"([\\`*_\[\]~|])")
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_BROKEN = re.compile(r"@|:(?=//)|(?i:www)(?=\.)|\(Vorgang|&(?=#?\w)")
_ADDRESS = re.compile(r"[A-Za-z0-9.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")


def shown(value: Value, longest: int = LONGEST) -> str:
    """A value in quotation marks, `(leer)` for none; days and yes as people write them."""
    if value is None or value == "":
        return NOTHING
    if value is True:
        return "ja"
    return f"{value:%d.%m.%Y}" if isinstance(value, date) else f"„{quoted(str(value), longest)}“"


def quoted(text: str, longest: int = LONGEST) -> str:
    """Text of a person as one harmless line of at most so many characters, marks of ours not counted."""
    line = _LINES.sub(" / ", text.strip())
    visible = "".join(_visible(each) for each in line)
    if len(visible) > longest:
        visible = visible[: longest - 1].rstrip() + "…"
    if _ADDRESS.fullmatch(visible):
        return visible
    escaped = _MARKS.sub(r"\\\1", visible).translate(_BRACKETS)
    return _BROKEN.sub(lambda found: found[0] + JOINER, escaped)


def message(text: str) -> str:
    """A message for a state field, of limited length."""
    return text if len(text) <= LONGEST_STATE else text[: LONGEST_STATE - 1] + "…"


def _visible(character: str) -> str:
    """What can't be seen is written out: two values that differ by it alone would look equal."""
    if character == "\t":
        return " "
    return f"‹{ord(character):x}›" if unicodedata.category(character) in _INVISIBLE else character
