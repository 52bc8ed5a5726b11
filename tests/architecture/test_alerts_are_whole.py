"""Every alert looks at metrics that exist, has a page, and is tried both ways; every service is scraped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.table import ROOT, SERVICES

FOLDER = ROOT / "deploy" / "prometheus"
ALERTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
CASES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
SOURCES = [*(ROOT / "libs/common/src").rglob("*metrics.py"), *(ROOT / "services").glob("*/src/*/metrics.py")]
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))


def declared() -> set[str]:
    names = {name for path in SOURCES for name in re.findall(r'"(sync_\w+)"', path.read_text())}
    return {*names, *(f"{name}_bucket" for name in names), "up"}


@each_alert
def test_an_alert_looks_at_metrics_that_exist(alert: dict[str, Any]) -> None:
    named = set(re.findall(r"\b(sync_\w+|up)\b", re.sub(r'"[^"]*"', '""', alert["expr"])))
    assert named
    assert named <= declared()


@each_alert
def test_an_alert_has_a_page_and_a_weight(alert: dict[str, Any]) -> None:
    assert Path(ROOT / alert["annotations"]["runbook"]).exists()
    assert alert["annotations"]["summary"]
    assert alert["labels"]["severity"] in ("page", "ticket")


@each_alert
def test_an_alert_is_tried_both_ways(alert: dict[str, Any]) -> None:
    tried = [rule for case in CASES for rule in case["alert_rule_test"] if rule["alertname"] == alert["alert"]]
    assert sorted(bool(rule["exp_alerts"]) for rule in tried) == [False, True]


@each_alert
def test_the_list_of_pages_names_the_alert(alert: dict[str, Any]) -> None:
    assert f"`{alert['alert']}`" in (ROOT / "docs" / "runbooks" / "README.md").read_text()


def test_every_service_is_scraped_by_its_name_and_port() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = {f"{one.name}:{compose[one.name]['environment'][str(one.port_variable)]}" for one in SERVICES}
    assert set(job["static_configs"][0]["targets"]) == ports
