"""EspoCRM's metadata as data: record types, templates, field types, roles, layouts, labels."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def load_json(name: str) -> dict[str, Any]:
    """One of the files beside this one, freshly read."""
    text = resources.files("sandbox.espocrm.definitions").joinpath(f"{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
