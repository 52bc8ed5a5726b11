"""Each dashboard is as it is made, each expression is PromQL, and each metric that it names is one of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from deploy.grafana.ask import Found
from deploy.grafana.catalogue import BOARDS, FOLDER, differing
from deploy.grafana.panels import SOURCE, Board
from deploy.local.table import ROOT
from deploy.prometheus.metrics_named import declared, metrics_in

each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board.name))
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
GRAFANAS_OWN = {"ALERTS"}


def expressions(board: Board) -> Iterator[str]:
    """As Grafana would read them from the file."""

    def within(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (each for name, each in value.items() if name == "expr")
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from within(each)

    yield from within(json.loads((FOLDER / f"{board.name}.json").read_text()))


def test_the_files_are_as_they_are_made() -> None:
    assert differing() == [], "make dashboards"


@each_board
def test_each_expression_parses_and_names_our_metrics(board: Board) -> None:
    found = list(expressions(board))
    assert len(found) == sum(len(panel.queries) for panel in board.panels)
    for expression in found:
        promql_parser.parse(expression.replace("$__rate_interval", "5m"))
        named = metrics_in(expression)
        assert named or any(word in expression for word in GRAFANAS_OWN), expression
        assert named <= declared(), expression


def test_a_misspelt_metric_or_expression_is_seen() -> None:
    assert not metrics_in("sum(sync_evnts_total)") <= declared()
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum by (entity (up)")


@pytest.mark.parametrize("rule", [rule for group in RULES for rule in group["rules"]], ids=str)
def test_each_rule_parses(rule: dict[str, Any]) -> None:
    promql_parser.parse(rule["expr"])


@each_board
def test_panels_have_titles_of_their_own_and_units(board: Board) -> None:
    titles = [panel.title for panel in board.panels]
    assert sorted(titles) == sorted(set(titles))
    assert all(panel.unit for panel in board.panels)
    text = (FOLDER / f"{board.name}.json").read_text()
    assert set(re.findall(r'"uid": "(prometheus|[^s][^"]*)"', text)) == {SOURCE.uid}


def test_an_empty_panel_fails_unless_it_says_why() -> None:
    assert Found("office", "Alarme", 0, "").is_failure
    assert not Found("office", "Alarme", 0, "nobody calls").is_failure
    assert not Found("office", "Alarme", 3, "").is_failure


def test_compose_provides_the_source_and_the_dashboards() -> None:
    folder = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["uid"], source["type"]) == (SOURCE.uid, SOURCE.type_val)
    (provider,) = yaml.safe_load((folder / "dashboards/synckit.yml").read_text())["providers"]
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    mounts = dict(volume.rsplit(":", 1)[0].split(":") for volume in grafana["volumes"] if volume.startswith("./"))
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
