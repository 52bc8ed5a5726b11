"""Frozen values to JSON and back, exactly: what is remembered and what a plan file holds. Pure.

Dates, times and lengths are told apart by a word in front; a mapping or a list of JSON stays what it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
TIME_WORDS = ("datetime:", "date:", "time:", "seconds:", "text:")
SCALARS = frozenset({str, int, float, bool})


def fields_to_json(value: Any) -> dict[str, Any]:
    """A dataclass as JSON. Fields that hold their default are left out."""
    kind: Any = type(value)
    named = ((name, default, getattr(value, name)) for name, default in _defaults(kind))
    return {name: to_json(held) for name, default, held in named if held != default}


def to_json(value: Any) -> Any:
    """JSON-able."""
    if value is None or type(value) in SCALARS:
        return _plain(value)
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
    # Most values by far: asked first, as a run reads and writes thousands.
    if type(value) is str:
        return f"text:{value}" if value.startswith(TIME_WORDS) else value
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
    return _reader(kind)(told)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How values of this type are read; worked out once."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        chosen = [each for each in inner if each is not NoneType]
        read = _reader(chosen[0] if len(chosen) == 1 else Any)
        return lambda told: None if told is None else read(told)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
        return lambda told: kind(**{name: readers[name](held) for name, held in told.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if origin is tuple:
        return partial(_tuple, inner)
    return _free


def _tuple(inner: tuple[Any, ...], told: Any) -> tuple[Any, ...]:
    kinds = inner[:1] * len(told) if inner[1:] == (Ellipsis,) else inner
    return tuple(_read(each, held) for each, held in zip(kinds, told, strict=True))


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
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((each.name, _default(each)) for each in dataclasses.fields(kind))
