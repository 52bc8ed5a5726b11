"""How EspoCRM marks what "Erase personal data" took: `ERASED:<id>` in place of a value, in lists as well. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "ERASED:"


def is_erased(payload: Mapping[str, Any]) -> bool:
    """True where a value of the record, or an entry of one of its lists, says so."""
    # Most values are empty or text, and each decision asks this of each of them.
    for value in payload.values():
        if isinstance(value, str):
            if value.startswith(MARK):
                return True
        elif value and _says_so(value):
            return True
    return False


def cleaned(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as it is without them: what was erased is absent. The payload itself where nothing was."""
    return {name: _without(value) for name, value in payload.items()} if is_erased(payload) else payload


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [each for each in value if not _says_so(each)]
    return None if _says_so(value) else value


def _says_so(value: object) -> bool:
    if isinstance(value, str):
        return value.startswith(MARK)
    if isinstance(value, list):
        return any(_says_so(each) for each in value)
    if isinstance(value, dict):
        return any(_says_so(each) for each in value.values())
    return False
