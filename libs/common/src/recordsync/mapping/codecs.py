"""Codecs as values: how a value looks in each payload, and what it is called on the other side. Pure.

`read_*`: payload value → canonical; `print_*`: canonical → payload value; `to_*`: canonical of one side → of the other.
Laws: reading what was printed is the identity on canonical values, and two spellings that a person would call the same
are read as one. So what we remember in an older form passes through the same reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from synckit import clamps
from synckit.errors import MappingError
from synckit.reconcile.plan import Value
from synckit.reconcile.policy import Unmappable, equal, same
from synckit.text import clean, option_key


def espo_time(at: datetime) -> str:
    """EspoCRM's datetime, also in what it is asked: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _read_text(raw: Any) -> Value:
    """Text in its one form; "" and null are absent. A number is its text, as both remotes store it."""
    if raw is None:
        return None
    if type(raw) is str:
        return clean(raw) or None
    if clamps.number(raw) is None:
        raise MappingError("", "", "ist kein Text")
    return clean(str(raw)) or None


def _read_day(raw: Any) -> Value:
    """`YYYY-MM-DD`, with or without a time behind it: only the day counts. `DD.MM.YYYY` as people write it.

    What is no day (0001-01-01 is how a remote in trouble says "nothing") stays the text that it is: it has no
    counterpart, so it is told, and neither empties the other side nor keeps other fields from being synced.
    """
    if raw is None:
        return None
    text = clean(raw) if isinstance(raw, str) else type(raw).__name__
    return _day_of(text) or clean(text[:LONGEST_NO_DAY]) or None


def _day_across(value: Value) -> Value:
    if value is None or isinstance(value, date):
        return value
    raise Unmappable("ist kein Tag, den es geben kann (JJJJ-MM-TT, ab dem Jahr 1000)")


def _day_of(text: str) -> date | None:
    """None where it is none, or of a year that is not to be believed."""
    if found := _GERMAN_DAY.fullmatch(text):
        text = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    return clamps.day(text)


def _read_flag(raw: Any) -> Value:
    """Yes is True; no and nothing are one and the same: absent. Also as a number or a word, as databases tell it."""
    if raw is None or isinstance(raw, bool):
        return raw or None
    word = clean(str(raw)).casefold() if isinstance(raw, str | int) else "?"
    if word in _YES:
        return True
    if word in _NO:
        return None
    raise MappingError("", "", "ist weder Ja noch Nein")


def _print_flag(value: Value) -> Any:
    return value is True


def _print_same(value: Value) -> Any:
    return value


def _print_day(value: Value) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _print_midnight(value: Value) -> Any:
    return f"{value.isoformat()}T00:00:00" if isinstance(value, date) else value


LONGEST_NO_DAY = 40
"""Characters that are kept of a text that is no day."""
_GERMAN_DAY = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4})")
_YES = frozenset({"1", "true"})
_NO = frozenset({"", "0", "false"})


@dataclass(frozen=True, slots=True)
class Codec:
    """See the module. The defaults are those of plain text that looks alike on both sides.

    `options`: what the left can hold besides nothing, where that is a closed set; `right_options`: the right, where it
    calls them otherwise. `alike`: whether two values of one side mean the same, where that is more than being equal.
    """

    read_left: Callable[[Any], Value] = _read_text
    read_right: Callable[[Any], Value] = _read_text
    print_left: Callable[[Value], Any] = _print_same
    print_right: Callable[[Value], Any] = _print_same
    to_right: Callable[[Value], Value] = same
    to_left: Callable[[Value], Value] = same
    alike: Callable[[Value, Value], bool] = equal
    options: frozenset[str] = frozenset()
    right_options: frozenset[str] = frozenset()


TEXT = Codec()
"""Free text on both sides."""

DAY = Codec(
    read_left=_read_day,
    read_right=_read_day,
    print_left=_print_day,
    print_right=_print_midnight,
    to_right=_day_across,
    to_left=_day_across,
)
"""A day: `YYYY-MM-DD` left, midnight local time without a zone right."""

FLAG = Codec(read_left=_read_flag, read_right=_read_flag, print_left=_print_flag, print_right=_print_flag)
"""Yes or no."""


def choice(
    options: frozenset[str], *, aliases: Mapping[str, str | None] | None = None, other: str | None = None
) -> Codec:
    """An enum on the left, free text on the right.

    `aliases`: right text → left option (None: absent). `other`: the left option that stands for every right value
    that is none; without it such a value has no counterpart, and is left alone on both sides.
    """
    known = {option_key(right): left for right, left in (aliases or {}).items()}
    spelled = {option_key(option): option for option in (*(aliases or {}), *options)}
    # Nearly all values are spelled as they are here, and a key is dear.
    exact = {option: spelled[option_key(option)] for option in (*(aliases or {}), *options) if option}

    def read(raw: Any) -> Value:
        if isinstance(raw, str) and raw in exact:
            return exact[raw]
        text = _read_text(raw)
        return None if text is None else spelled.get(option_key(str(text)), text)

    def to_left(value: Value) -> Value:
        if value is None or value in options:
            return value
        key = option_key(str(value))
        if key in known:
            return known[key]
        if other is None:
            raise Unmappable("in EspoCRM gibt es diese Auswahl nicht")
        return other

    return Codec(read_left=read, read_right=read, to_left=to_left, options=options)
