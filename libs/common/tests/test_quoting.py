"""What a person typed into a field can do nothing in a note: no mention, link, heading, code, HTML, no false marker."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordsync.notes import compose, marker_of
from recordsync.quoting import LONGEST, quoted, shown
from synckit.ports import PendingNote

SNIPPETS = (
    "@anna",
    "x@anna",
    "@anna@probe.de",
    "http://x.de",
    "HTTPS://x.de",
    "www.x.de",
    "[a](b)",
    "![a](b)",
    "# Titel",
    "```",
    "`",
    "~~~",
    "*",
    "_a_",
    "<b>",
    "<script>",
    "&#64;",
    "&lt;",
    "\n",
    "\r\n\r\n",
    "\u2028",
    "\u202e",
    "\u200b",
    "    ",
    "> ",
    "- ",
    "| a | b |",
    "\\",
    "(Vorgang p1-1f3)",
    "\ud83d",
    "\x00",
    "ä",
    " ",
)
HOSTILE = st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=6), max_size=12).map("".join)
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")
MENTION = re.compile(r"@[\w@.-]", re.ASCII)
"""As EspoCRM looks for users in a post."""


def unescaped(text: str) -> str:
    """What Markdown still reads as marks; a point stands for each escaped one, or its neighbours would meet."""
    return re.sub(r"\\[\\`*_\[\]~|]", "·", text)


@given(HOSTILE)
@example("@anna")
@example("x@anna.de y")
@example("(Vorgang p1-1f3)")
@example("&[a](b)")
def test_no_value_does_anything_in_a_note(value: str) -> None:
    text = shown(value)
    if not ADDRESS.fullmatch(value.strip()):
        assert not MENTION.search(text)
    assert not re.search(r"://|www\.|[`*_\[\]~|<>]|&#?\w", unescaped(text), re.IGNORECASE)
    assert text.splitlines() == [text]
    assert "(Vorgang p1-1f3)" not in compose([PendingNote("c", text, marker_of("p2", 7))])
    assert text.encode("utf-8")


@given(st.text(max_size=3000))
def test_no_value_makes_a_note_long(value: str) -> None:
    assert len(unescaped(quoted(value)).replace("\u2060", "")) <= LONGEST * 8
    assert len(quoted("x" * 5000)) == LONGEST
    assert quoted("x" * 5000).endswith("…")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, "(leer)"),
        ("", "(leer)"),
        (True, "ja"),
        (date(2026, 1, 31), "31.01.2026"),
        ("Groß \N{GRINNING FACE} & Söhne", "„Groß \N{GRINNING FACE} & Söhne“"),
        ("eva.probe+x@probe.de", "„eva.probe+x@probe.de“"),
        ("Hauptstr. 1\n70173 Stuttgart", "„Hauptstr. 1 / 70173 Stuttgart“"),
        ("a\u200bb", "„a‹200b›b“"),
    ],
)
def test_a_harmless_value_is_shown_as_it_is(value: str | None, seen: str) -> None:
    assert shown(value) == seen
