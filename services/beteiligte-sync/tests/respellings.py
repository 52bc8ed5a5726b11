"""Spellings that a person would call the same, by kind of value, as hypothesis strategies. Invented people only."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

from beteiligte_sync.entities.beteiligte.mapping import ANREDEN, RECHTSFORMEN
from recordsync.mapping.field import EntityMapping
from synckit.reconcile.plan import Side

FORMAT = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
"""All of Unicode's format characters."""
SEEN_AS_NOTHING = st.sampled_from(["\u200b", "\u202a", "\u202c", "\u2068", "\u2069", "\ufeff", "\u00ad", "\u2060"])
ANY_BLANK = st.sampled_from([" ", "\u00a0", "\u202f", "\u2009", "\u3000"])
SHORTEST_IBAN = 15
T = TypeVar("T")


class Draw(Protocol):
    """How an example is drawn, inside of a strategy or of a test."""

    def __call__(self, strategy: st.SearchStrategy[T]) -> T: ...


Respelling = Callable[[Draw, str], str]


def text(draw: Draw, word: str) -> str:
    """Composed or in parts, with what nobody sees in it, other blanks, other ends of lines."""
    spelled = "".join(_blank(draw, each) for each in _formed(draw, word))
    spelled = spelled.replace("\n", draw(st.sampled_from(["\n", "\r\n", "  \r\n", " \u2028"])))
    return draw(st.sampled_from(["", " ", "\u00a0", "\r\n"])) + _sprinkled(draw, spelled) + draw(ANY_BLANK)


def option(draw: Draw, word: str) -> str:
    """As text, with blanks behind full stops, in whatever case; what is no option is text."""
    if word not in RECHTSFORMEN | ANREDEN:
        return text(draw, word)
    return text(draw, draw(st.sampled_from([word, word.upper(), word.lower(), word.replace(".", ". ").strip()])))


def account(draw: Draw, word: str) -> str:
    """In groups of whatever length, parted by whatever people part them with, in whatever case."""
    if len(word) < SHORTEST_IBAN:
        return text(draw, word)
    between = st.sampled_from(
        ["", "", "", " ", "-", ".", "\u2013", "\u2011", "\u00a0", "\u202f", "\u200b", "\u2212", "/"]
    )
    spelled = "".join(each + draw(between) for each in word)
    return draw(st.sampled_from(["", "IBAN ", "iban: "])) + draw(st.sampled_from([spelled, spelled.lower()]))


def bank(draw: Draw, word: str) -> str:
    """In lower case, with blanks; what is no BIC is text."""
    if len(word) not in (8, 11):
        return text(draw, word)
    spelled = "".join(each + draw(st.sampled_from(["", "", " ", "\u00a0", "\u200b"])) for each in word)
    return draw(st.sampled_from([spelled, spelled.lower()]))


def number(draw: Draw, e164: str) -> str:
    """A German number with its country or without, with the zero that libphonenumber drops, in groups."""
    national = e164.removeprefix("+49")
    start = draw(st.sampled_from(["+49", "+49 (0)", "+490", "0049 ", "0049 (0)", "0", "(0)", "tel:+49", "+49\u202f"]))
    between = st.sampled_from(["", "", "", " ", "-", "/", "\u2013", "\u00a0", "\u202f", "."])
    return _sprinkled(draw, start + national[0] + "".join(draw(between) + each for each in national[1:]))


def mail(draw: Draw, address: str) -> str:
    """In whatever case, with the umlaut or as punycode, copied from the end of a sentence."""
    local, _, domain = address.partition("@")
    shown = draw(st.sampled_from([domain, domain.encode().decode("idna") if "xn--" in domain else domain]))
    start = draw(st.sampled_from(["", "", "mailto:", " "]))
    end = draw(st.sampled_from(["", ".", " ", "\u00a0", "\u200b"]))
    cased = draw(st.sampled_from([local, local.upper()]))
    return _sprinkled(draw, f"{start}{cased}@{_formed(draw, shown)}{end}")


SPECIAL: Mapping[str, Respelling] = {"iban": account, "bic": bank, "rechtsform": option, "anrede": option}
"""Fields whose spellings differ by more than text's."""


@st.composite
def respelled(draw: st.DrawFn, mapping: EntityMapping, side: Side, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A side's payload as another program or another keyboard would have written it."""
    spelled = dict(payload)
    for field in mapping.fields:
        for name in {p.name for kind in ("person", "company") if (p := field.attribute(side, kind))}:
            value = payload.get(name)
            if isinstance(value, str) and value:
                spelled[name] = SPECIAL.get(field.name, text)(draw, value)
    return spelled


def _formed(draw: Draw, word: str) -> str:
    return unicodedata.normalize("NFD" if draw(st.booleans()) else "NFC", word)


def _blank(draw: Draw, each: str) -> str:
    return draw(ANY_BLANK) if each == " " else each


def _sprinkled(draw: Draw, word: str) -> str:
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(word)))
        word = word[:at] + draw(SEEN_AS_NOTHING) + word[at:]
    return word
