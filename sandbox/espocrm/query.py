"""Query strings as PHP reads them: brackets make arrays, and after 1000 parameters the rest is cut silently."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

MAX_INPUT_VARS = 1000
_KEYS = re.compile(r"\[([^\]]*)\]")


def parse(raw: str) -> dict[str, Any]:
    """A nested dict; arrays with the keys 0 … n-1 are lists."""
    found: dict[str, Any] = {}
    for part in [each for each in raw.split("&") if each][:MAX_INPUT_VARS]:
        name, _, value = part.partition("=")
        _put(found, unquote_plus(name), unquote_plus(value))
    return {key: _as_list(value) for key, value in found.items()}


def _put(target: dict[str, Any], name: str, value: str) -> None:
    base, bracket, rest = name.partition("[")
    keys = [base, *_KEYS.findall(bracket + rest)] if bracket else [base]
    node = target
    for key in keys[:-1]:
        child = node.get(_index(node, key))
        if not isinstance(child, dict):
            child = {}
            node[_index(node, key)] = child
        node = child
    node[_index(node, keys[-1])] = value


def _index(node: dict[str, Any], key: str) -> str:
    if key:
        return key
    return str(sum(1 for each in node if each.isdigit()))


def _as_list(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    converted = {key: _as_list(value) for key, value in node.items()}
    if list(converted) == [str(index) for index in range(len(converted))]:
        return list(converted.values())
    return converted
