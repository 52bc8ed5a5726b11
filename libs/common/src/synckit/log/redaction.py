"""What may stand in a log line. Pure: values in, values out that cannot be a client's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from synckit.error_text import traceback_of
from synckit.log.checked_text import MAX_TEXT, PLAIN, plain

_KNOWN = """
event level logger service timestamp error_type error trace_id traceparent entity entity_id event_id
right_id record_id row_id user_id action origin type outcome reason code status
upstream direction side rules fields changed step steps kind state count records accepted
items writes conflicts notices calls reads emitted skipped pages limit size sha256 in_flight buffered lag
attempt attempts rung seconds due_at delay age since cursor next worker fence topic topics partition
partitions offset group generation member key_hash timer slot check checks failing port host address
coalesced suppressed forgotten cancelled left version schema pid signal command path hint caller
"""
KNOWN_KEYS = frozenset(_KNOWN.split())
"""Keys that the libraries log, or several services do. Their values are ids, words of ours, numbers and times."""

MAX_ITEMS = 50
_GROUP = 5
_ADDRESS = re.compile(r"[A-Za-z0-9.-]+:\d{1,5}\Z")
_DIRECTIVE = re.compile(r"%(?:\((\w+)\))?[#0\- +]*(?:\d+|\*)?(?:\.\d+)?([a-zA-Z%])")
_WARNING = re.compile(r"(\S+:\d+): (\w+):")
_WORDS = frozenset({"event", "level", "service", "entity", "action", "type", "outcome", "reason", "topic"})
_FREE_TEXT = frozenset({"event", "error", "hint", "command"})
_SAFE_NAMES = ("faust", "aiokafka")


@dataclass(slots=True)
class _Allowed:
    """Of this process: what the libraries log, and what its service adds."""

    keys: frozenset[str] = KNOWN_KEYS
    names: tuple[str, ...] = _SAFE_NAMES


_allowed = _Allowed()


def allow(keys: Iterable[str], names: Iterable[str]) -> None:
    """What a service logs besides: keys of its own, and beginnings of names that a library's line may show (topics,
    groups, the service itself). Once a process.
    """
    _allowed.keys = _allowed.keys | frozenset(keys)
    _allowed.names = tuple(dict.fromkeys((*_allowed.names, *names)))


def redacted(event: Mapping[str, Any]) -> dict[str, Any]:
    """Known keys with bounded values; what is not known keeps its name and loses its value."""
    kept: dict[str, Any] = {}
    for key, value in event.items():
        kind = type(value)
        if key not in _allowed.keys:
            kept[key] = _unknown(value)
        elif kind is str:
            kept[key] = _text(key, value)
        else:
            kept[key] = value if kind is int or kind is float else _value(key, value)
    return kept


def _unknown(value: object) -> object:
    return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"


def _value(key: str, value: object) -> object:
    if type(value) is str:
        return _text(key, value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return _value(key, value.value)
    if isinstance(value, str):
        return _text(key, str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return redacted({str(name): one for name, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(key, one) for one in list(value)[:MAX_ITEMS]]
    return f"[{type(value).__name__}]"


def _text(key: str, value: str) -> str:
    """Words of ours come with every line; ids would only push them out of what is remembered."""
    return _known_text(key, value) if key in _WORDS and len(value) <= MAX_TEXT else _checked_text(key, value)


def _checked_text(key: str, value: str) -> str:
    if key in _FREE_TEXT:
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}…"
    return plain(value)


_known_text = lru_cache(maxsize=1024)(_checked_text)


def describe_exception(error: BaseException) -> str:
    """Types and frames of an error, of its causes, and of what a group holds; texts only of our own taxonomy."""
    inner = error.exceptions[:_GROUP] if isinstance(error, BaseExceptionGroup) else ()
    return "\n===\n".join([traceback_of(error), *(describe_exception(one) for one in inner)])


def foreign_text(message: object, arguments: object) -> str:
    """A library's message: the words of its template; of its values only numbers, addresses, names of ours, types."""
    if not isinstance(message, str):
        return f"[{type(message).__name__}]"
    if not arguments:
        return _cut(message)
    values: Any = arguments if isinstance(arguments, Mapping) else iter(_as_tuple(arguments))

    def fill(found: re.Match[str]) -> str:
        if found[2] == "%":
            return "%"
        value = values.get(found[1]) if isinstance(values, Mapping) else next(values, None)
        return _safe(value)

    return _DIRECTIVE.sub(fill, message.partition("\n")[0])[:MAX_TEXT]


def foreign_warning(message: object, arguments: object) -> str:
    """Place and kind of a Python warning; its text may hold anything."""
    found = _WARNING.match(str(_as_tuple(arguments)[0]) if arguments else str(message))
    return f"warning {found[2]} at {'/'.join(found[1].split('/')[-3:])}" if found else "warning"


def _as_tuple(arguments: object) -> tuple[object, ...]:
    return arguments if isinstance(arguments, tuple) else (arguments,)


def _cut(message: str) -> str:
    """A text without a template may hold anything: its first line, up to what looks like a value."""
    return re.split(r"['\"<({\[=\n]|%", message, maxsplit=1)[0].strip()[:MAX_TEXT]


def _safe(value: object) -> str:
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, str) and (_ADDRESS.match(value) or (value.startswith(_allowed.names) and PLAIN.match(value))):
        return value
    return f"[{type(value).__name__}]"
