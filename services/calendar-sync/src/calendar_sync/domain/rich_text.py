"""Plain text and Google's descriptions, which are HTML for their readers. Pure.

Our text is escaped, so that `<wichtig>` and `&` survive both ways. A person's HTML becomes text with its links kept.
"""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser

_LINES = frozenset({"br"})
_BLOCKS = frozenset({"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "tr", "table", "blockquote"})
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufffe\uffff\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_TAG = re.compile(r"<[a-zA-Z/!]")


def normal(text: object) -> str | None:
    """Text of several lines in its one form: NFC, line feeds, nothing that nobody sees. None where there is none."""
    if not isinstance(text, str):
        return None
    told = unicodedata.normalize("NFC", _LINE_END.sub("\n", _UNSEEN.sub("", text)))
    return "\n".join(line.rstrip() for line in told.split("\n")).strip() or None


def normal_line(text: object) -> str | None:
    """Text of one line in its one form."""
    told = normal(text)
    return " ".join(told.split()) if told else None


def as_html(text: str) -> str:
    """What Google shows as exactly this text."""
    return html.escape(text, quote=False)


def as_text(description: str) -> str:
    """What a reader of the description sees."""
    if not _TAG.search(description):
        return html.unescape(description)
    reader = _Reader()
    reader.feed(description)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", reader.told())


class _Reader(HTMLParser):
    """Collects text; a link is kept behind what it stands on, unless it says the same."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._told: list[str] = []
        self._link = ""
        self._begins = 0

    def told(self) -> str:
        return "".join(self._told)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINES or (tag in _BLOCKS and self._told and not self._told[-1].endswith("\n")):
            self._told.append("\n")
        if tag == "a":
            self._link, self._begins = dict(attrs).get("href") or "", len(self._told)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS and self._told and not self._told[-1].endswith("\n"):
            self._told.append("\n")
        if tag == "a" and self._link:
            shown = "".join(self._told[self._begins :]).strip()
            if shown != self._link:
                self._told.append(f" ({self._link})" if shown else self._link)
            self._link = ""

    def handle_data(self, data: str) -> None:
        self._told.append(data)
