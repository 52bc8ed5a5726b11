"""Filters of lists and searches: the part of AIP-160 that xAI describes. `OR` binds tighter than `AND`; no wildcards.

`a = "x"`, `a != "x"`, `a : "x"` (has), `a < 1`, `<=`, `>`, `>=`, also written `a:>10`; `NOT`, `-`, brackets; terms that
stand beside each other are an AND.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.xai.errors import invalid

Values = Mapping[str, Any]
Keep = Callable[[Values], bool]
TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<op>:?(?:<=|>=|!=|<|>|=)|:)|(?P<bracket>[()])|(?P<word>[^\s()"<>=!:]+))'
)
LONGEST = 4000


def parsed(text: str) -> Keep:
    """What the filter lets through; an empty one everything. 400 for what is none."""
    if not text.strip():
        return lambda _values: True
    if len(text) > LONGEST:
        raise invalid("Invalid filter: it is too long")
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise invalid(f"Invalid filter at {at}")
        found.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
        at = match.end()
    return found


class _Parser:
    """Recursive descent: and > or > not > term."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Keep:
        keep = self._all()
        if self._at < len(self._tokens):
            raise invalid("Invalid filter: something is left at its end")
        return keep

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._next()
        self._at += 1
        return token

    def _took(self, *words: str) -> bool:
        if self._next()[0] in ("word", "bracket") and self._next()[1] in words:
            self._at += 1
            return True
        return False

    def _all(self) -> Keep:
        parts = [self._any()]
        while self._took("AND") or self._next()[0] in ("word", "text") or self._next()[1] == "(":
            parts.append(self._any())
        return lambda values: all(part(values) for part in parts)

    def _any(self) -> Keep:
        parts = [self._one()]
        while self._took("OR"):
            parts.append(self._one())
        return lambda values: any(part(values) for part in parts)

    def _one(self) -> Keep:
        if self._took("NOT"):
            inner = self._one()
            return lambda values: not inner(values)
        if self._took("("):
            inner = self._all()
            if not self._took(")"):
                raise invalid("Invalid filter: a bracket is not closed")
            return inner
        return self._term()

    def _term(self) -> Keep:
        (kind, name), (what, operator), (value_kind, value) = self._take(), self._take(), self._take()
        if kind != "word" or what != "op" or value_kind not in ("text", "word"):
            raise invalid("Invalid filter: a comparison is field, operator, value")
        wanted = re.sub(r"\\(.)", r"\1", value[1:-1]) if value_kind == "text" else value
        operator = operator.lstrip(":") or ":"
        return lambda values: _holds(values.get(name), operator, wanted)


def _holds(value: object, operator: str, wanted: str) -> bool:
    if value is None:
        return operator == "!="
    if operator == ":":
        return wanted.casefold() in str(value).casefold()
    if operator in ("=", "!="):
        return (str(value) == wanted) is (operator == "=")
    left, right = _comparable(value, wanted)
    below, equal = bool(left < right), bool(left == right)
    return {"<": below, "<=": below or equal, ">": not below and not equal, ">=": not below}[operator]


def _comparable(value: object, wanted: str) -> tuple[Any, Any]:
    try:
        return float(str(value)), float(wanted)
    except ValueError:
        return str(value), wanted
