"""Every key that our code logs is a known one: an unknown key would lose its value on the way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from synckit.runtime.redaction import KNOWN_KEYS

ROOT = Path(__file__).resolve().parents[2]
METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "bind", "bound_contextvars"})


def logged_keys() -> Iterator[tuple[str, str]]:
    """Place and key."""
    for base in (ROOT / "libs", ROOT / "services"):
        for path in base.glob("*/src/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in METHODS:
                    yield from ((f"{path.name}:{node.lineno}", word.arg) for word in node.keywords if word.arg)


def test_every_logged_key_is_known() -> None:
    found = list(logged_keys())
    assert len(found) > 30
    assert [(place, key) for place, key in found if key not in KNOWN_KEYS | {"exc_info"}] == []
