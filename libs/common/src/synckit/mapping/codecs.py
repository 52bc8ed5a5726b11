"""Codecs as values: how a value looks in each payload, and what it is called on the other side. Pure.

`read_*`: payload value → canonical; `print_*`: canonical → payload value; `to_*`: canonical of one side → of the other.
Law: reading what was printed is the identity on canonical values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from synckit.errors import MappingError
from synckit.reconcile.plan import Value
from synckit.reconcile.policy import Unmappable, same


def espo_time(at: datetime) -> str:
    """EspoCRM's datetime, also in what it is asked: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _read_text(raw: Any) -> Value:
    """Trimmed text; "" and null are absent. A number is its text, as both remotes store it."""
    if raw is None:
        return None
    if type(raw) is str:
        return raw.strip() or None
    if isinstance(raw, bool | list | dict):
        raise MappingError("", "", "ist kein Text")
    return str(raw).strip() or None


def _read_day(raw: Any) -> Value:
    """`YYYY-MM-DD`, with or without a time behind it: only the day counts."""
    text = _read_text(raw)
    if text is None:
        return None
    try:
        day = date.fromisoformat(str(text)[:10])
    except ValueError:
        raise MappingError("", "", "ist kein Tag (JJJJ-MM-TT)") from None
    if day.year < FIRST_YEAR:
        # 0001-01-01 is how a remote in trouble says "nothing": neither a day nor a reason to empty the other side.
        raise MappingError("", "", f"liegt vor dem Jahr {FIRST_YEAR}")
    return day


def _read_flag(raw: Any) -> Value:
    """Yes is True; no and nothing are one and the same: absent."""
    if raw is None or isinstance(raw, bool):
        return raw or None
    raise MappingError("", "", "ist weder Ja noch Nein")


def _print_flag(value: Value) -> Any:
    return value is True


def _print_same(value: Value) -> Any:
    return value


def _print_day(value: Value) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _print_midnight(value: Value) -> Any:
    return f"{value.isoformat()}T00:00:00" if isinstance(value, date) else value


FIRST_YEAR = 1000


@dataclass(frozen=True, slots=True)
class Codec:
    """See the module. The defaults are those of plain text that looks alike on both sides.

    `options`: what the left can hold besides nothing, where that is a closed set; `right_options`: the right, where it
    calls them otherwise.
    """

    read_left: Callable[[Any], Value] = _read_text
    read_right: Callable[[Any], Value] = _read_text
    print_left: Callable[[Value], Any] = _print_same
    print_right: Callable[[Value], Any] = _print_same
    to_right: Callable[[Value], Value] = same
    to_left: Callable[[Value], Value] = same
    options: frozenset[str] = frozenset()
    right_options: frozenset[str] = frozenset()


TEXT = Codec()
"""Free text on both sides."""

DAY = Codec(read_left=_read_day, read_right=_read_day, print_left=_print_day, print_right=_print_midnight)
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
    known = dict(aliases or {})

    def to_left(value: Value) -> Value:
        if value is None or value in options:
            return value
        if value in known:
            return known[str(value)]
        if other is None:
            raise Unmappable("in EspoCRM gibt es diese Auswahl nicht")
        return other

    return Codec(to_left=to_left, options=options)
