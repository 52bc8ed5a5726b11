"""Python values ↔ JSON that jsonb takes: days stay days, and text with NUL or lone surrogates survives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_DATE = "$date"
_TEXT = "$text"


def to_json(value: Any) -> Any:
    """Canonical value, payload or list of them → what `json.dumps` and jsonb accept."""
    if isinstance(value, str):
        return value if _is_plain(value) else {_TEXT: json.dumps(value)}
    if isinstance(value, datetime):
        raise TypeError("a canonical value is a day, not a time")
    if isinstance(value, date):
        return {_DATE: value.isoformat()}
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")


def from_json(value: Any) -> Any:
    """The way back."""
    if isinstance(value, list):
        return [from_json(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_DATE}:
        return date.fromisoformat(value[_DATE])
    if value.keys() == {_TEXT}:
        return json.loads(value[_TEXT])
    return {key: from_json(each) for key, each in value.items()}


def _is_plain(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
