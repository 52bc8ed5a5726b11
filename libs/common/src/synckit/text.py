"""Text as people mean it: one form for what looks alike. Pure.

What a person can't see (Unicode's format characters, and others that are ignored by default) is dropped; blanks of
every kind are a blank, ends of lines of every kind a line feed; letters are composed (NFC). Both sides are read through
`clean`, so what is compared is what is stored and sent; a side is never written only for its spelling.
"""

from __future__ import annotations

import re
import unicodedata

_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Shown as nothing (Default_Ignorable_Code_Point), and not in the category Cf."""
_NOT_IN_NAMES = re.compile(r"[<>=\s]+")
NAME_LENGTH = 255
_NOT_IN_OPTIONS = str.maketrans("", "", " .\n")
_LINE_END = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def clean(text: str) -> str:
    """The one form of all texts that look like this one: no blanks around it, none at an end of a line."""
    if text.isascii() and text.isprintable():
        return text.strip(" ")  # Most texts: one line of it, nothing to drop, nothing to compose.
    if text.isprintable() and not _IGNORED.search(text):
        return unicodedata.normalize("NFC", text).strip(" ")  # One line as well: no end of a line is printable.
    # What is not seen goes first: it may stand between the two characters of one end of a line.
    text = _LINE_END.sub("\n", "".join(_seen(each) for each in _IGNORED.sub("", text)))
    text = unicodedata.normalize("NFC", text)
    # Blanks at the ends of lines: a form that is edited at a desk pads them, and nobody sees it.
    return "\n".join(line.rstrip(" ") for line in text.split("\n")).strip(" \n")


def squeezed(text: str) -> str:
    """As `clean`, in one line, with single blanks."""
    return " ".join(clean(text).split())


def record_name(told: str, otherwise: str) -> str:
    """What a record of ours is called in EspoCRM, which refuses a name with `<`, `>` or `=` in it, or a longer one."""
    return _NOT_IN_NAMES.sub(" ", clean(told)).replace(" ,", ",").strip()[:NAME_LENGTH].rstrip() or otherwise


def option_key(text: str) -> str:
    """What tells options of an enum apart: case, blanks and full stops don't ("e. V." is "e.V.")."""
    # What stood on both sides of a blank may compose once it is gone; what was folded may have to be composed again.
    return _folded(_folded(text))


def _folded(text: str) -> str:
    return clean(clean(text).casefold().translate(_NOT_IN_OPTIONS))


def _seen(each: str) -> str:
    if each == "\n":
        return each
    if each == "\t":
        return " "
    category = unicodedata.category(each)
    if category == "Cf":
        return ""
    return " " if category == "Zs" else each
