"""The few kinds of panels that all dashboards are made of, and how a dashboard becomes JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
WIDTHS = {"number": 4, "chart": 12}
HEIGHTS = {"number": 4, "chart": 8}


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of PromQL and what its line is called; `{{label}}` in the name is filled in by Grafana."""

    expr: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`kind`: `number` shows the present, `chart` the course. `bad`: the value from which on it is red.

    `empty` says why it may have no data after a demo; without it an empty panel is a failure.
    """

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "chart"
    bad: float | None = None
    empty: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `name` is its file's, and part of its address in Grafana."""

    name: str
    title: str
    says: str
    rows: tuple[Row, ...] = field(default=())

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def number(title: str, expr: str, unit: str = "short", *, bad: float | None = None, says: str = "") -> Panel:
    """One value, now."""
    return Panel(title, (Query(expr),), unit, "number", bad, says=says)


def chart(title: str, *queries: Query, unit: str = "short", says: str = "", empty: str = "") -> Panel:
    """Lines over time."""
    return Panel(title, queries, unit, "chart", says=says, empty=empty)


def as_json(board: Board) -> str:
    """The file that Grafana reads."""
    made = (
        build.Dashboard(board.title)
        .uid(f"synckit-{board.name}")
        .description(board.says)
        .tags(["synckit"])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time("now-3h", "now")
    )
    for row in board.rows:
        made = made.with_row(build.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(_built(panel))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _built(panel: Panel) -> stat.Panel | timeseries.Panel:
    made: stat.Panel | timeseries.Panel = stat.Panel() if panel.kind == "number" else timeseries.Panel()
    made.title(panel.title).unit(panel.unit).datasource(SOURCE)
    made.height(HEIGHTS[panel.kind]).span(WIDTHS[panel.kind])
    if panel.says:
        made.description(panel.says)
    if panel.bad is not None:
        made.thresholds(_thresholds(panel.bad))
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).ref_id(letter)
        made.with_target(target.legend_format(query.name) if query.name else target)
    return made


def _thresholds(bad: float) -> build.ThresholdsConfig:
    steps: Sequence[Threshold] = (Threshold(value=None, color="green"), Threshold(value=bad, color="red"))
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(list(steps))
