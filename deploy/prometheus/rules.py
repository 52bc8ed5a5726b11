"""Renders the rules from their one template: for an office or, with all times divided, for drills.

A time stands between « and » in the template: `«10m»` as Prometheus writes it, `«3600»` as seconds in an expression.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "alerts.template.yml"
RULES = HERE / "alerts.yml"
TIME = re.compile(r"«(\d+)(ms|s|m|h|d)?»")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_GENERATED = "# Made from alerts.template.yml by `python -m deploy.prometheus render`.\n"


def rendered(divisor: int = 1) -> str:
    """The rules as Prometheus reads them, with every time divided."""
    return _GENERATED + TIME.sub(lambda found: _time(found, divisor), TEMPLATE.read_text(encoding="utf-8"))


def _time(found: re.Match[str], divisor: int) -> str:
    number, unit = int(found[1]), found[2]
    if divisor == 1:
        return f"{number}{unit or ''}"
    if unit is None:
        return f"{number / divisor:g}"
    return f"{max(1, number * _MILLISECONDS[unit] // divisor)}ms"
