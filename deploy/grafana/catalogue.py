"""All dashboards, and their files."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana.boards import calendar, ingress, office, proxy, remotes, sync, worker
from deploy.grafana.panels import Board, as_json

FOLDER = Path(__file__).resolve().parent / "dashboards"
BOARDS: tuple[Board, ...] = tuple(module.BOARD for module in (office, sync, calendar, ingress, worker, proxy, remotes))


def write() -> None:
    """Each dashboard's file, as it is made now."""
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(as_json(board), encoding="utf-8")


def differing() -> list[str]:
    """Files that are missing, differ from what would be made, or belong to no dashboard."""
    made = {f"{board.name}.json": as_json(board) for board in BOARDS}
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
