"""Fields put into a layout of EspoCRM: what is there stays where it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

PANEL = "Advoware"


def detail_with(layout: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """The detail layout with the fields that no panel shows yet in a panel of ours, two in a row."""
    shown = set(_names(layout))
    cells: list[Any] = [{"name": name} for name in names if name not in shown]
    if not cells:
        return list(layout)
    rows = [[cells[i], cells[i + 1] if i + 1 < len(cells) else False] for i in range(0, len(cells), 2)]
    panels = [dict(panel) if isinstance(panel, dict) else panel for panel in layout]
    ours = next((panel for panel in panels if isinstance(panel, dict) and panel.get("customLabel") == PANEL), None)
    if ours is None:
        return [*panels, {"customLabel": PANEL, "label": PANEL, "style": "default", "rows": rows}]
    ours["rows"] = [*(ours.get("rows") or []), *rows]
    return panels


def filters_with(layout: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """The list of filters with these at its end."""
    there = {each.get("name") if isinstance(each, dict) else each for each in layout}
    return [*layout, *(name for name in names if name not in there)]


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("name"), str):
            yield part["name"]
        part = list(part.values())
    if isinstance(part, list | tuple):
        for each in part:
            yield from _names(each)
