"""Frozen values to JSON and back, exactly: what is remembered and what a plan file holds. Pure.

Dates, times and lengths are told apart by a word in front; a mapping or a list of JSON stays what it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
TIME_WORDS = ("datetime:", "date:", "time:", "seconds:", "text:")


def fields_to_json(value: Any) -> dict[str, Any]:
    """A dataclass as JSON. Fields that hold their default are left out."""
    named = ((each, getattr(value, each.name)) for each in dataclasses.fields(value))
    return {each.name: to_json(held) for each, held in named if held != _default(each)}


def to_json(value: Any) -> Any:
    """JSON-able."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return fields_to_json(value)
    if isinstance(value, Mapping):
        return {str(name): to_json(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(held) for held in value]
    return _plain(value)


def from_json(kind: type[T], told: Any) -> T:
    """What `to_json` made of a `kind`. TypeError, ValueError or KeyError for anything else."""
    made: T = _read(kind, told)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"datetime:{value.isoformat()}{'#' if value.fold else ''}"
    if isinstance(value, date):
        return f"date:{value.isoformat()}"
    if isinstance(value, time):
        return f"time:{value.isoformat()}"
    if isinstance(value, timedelta):
        return f"seconds:{value.total_seconds()!r}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str) and value.startswith(TIME_WORDS):
        return f"text:{value}"
    return value


def _free(told: Any) -> Any:
    """A value whose type nobody declared."""
    if isinstance(told, str) and told.startswith(TIME_WORDS):
        word, rest = told.split(":", 1)
        return {"datetime": _datetime, "date": date.fromisoformat, "time": time.fromisoformat, "seconds": _length}.get(
            word, str
        )(rest)
    if isinstance(told, dict):
        return {name: _free(held) for name, held in told.items()}
    if isinstance(told, list):
        return [_free(held) for held in told]
    return told


def _read(kind: Any, told: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        chosen = [each for each in inner if each is not NoneType]
        return None if told is None else _read(chosen[0] if len(chosen) == 1 else Any, told)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], held) for name, held in told.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(told)
    if origin is tuple:
        kinds = inner[:1] * len(told) if inner[1:] == (Ellipsis,) else inner
        return tuple(_read(each, held) for each, held in zip(kinds, told, strict=True))
    return _free(told)


def _datetime(text: str) -> datetime:
    read = datetime.fromisoformat(text.rstrip("#"))
    return read.replace(fold=1) if text.endswith("#") else read


def _length(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def _default(each: dataclasses.Field[Any]) -> Any:
    if each.default is not dataclasses.MISSING:
        return each.default
    return each.default_factory() if each.default_factory is not dataclasses.MISSING else dataclasses.MISSING


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
