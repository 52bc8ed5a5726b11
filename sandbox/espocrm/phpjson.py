"""JSON as PHP's json_encode writes it: non-ASCII as \\uXXXX, slashes escaped, no spaces."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact, ASCII, with \\/ for slashes."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("/", "\\/")


def pretty(value: Any) -> str:
    """As JSON_PRETTY_PRINT does; used by the framework's own errors."""
    return json.dumps(value, ensure_ascii=True, indent=4).replace("/", "\\/")
