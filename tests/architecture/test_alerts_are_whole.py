"""Every alert looks at metrics that exist, has a page, and is tried both ways; every service is scraped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.table import ROOT, SERVICES
from deploy.local.watching import Watching
from deploy.prometheus.metrics_named import declared, metrics_in
from deploy.prometheus.rules import RULES, TEMPLATE, TIME, rendered
from tests.drills.__main__ import DRILLS

FOLDER = ROOT / "deploy" / "prometheus"
GROUPS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
ALERTS: list[dict[str, Any]] = GROUPS[0]["rules"]
RECORDED: list[dict[str, Any]] = GROUPS[1]["rules"]
CASES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDED], ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_a_rule_looks_at_metrics_that_exist(rule: dict[str, Any]) -> None:
    named = metrics_in(rule["expr"])
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


def test_kubernetes_scrapes_the_pods_of_every_service() -> None:
    (job,) = yaml.safe_load((FOLDER / "kubernetes.yml").read_text())["scrape_configs"]
    assert job["relabel_configs"][0]["regex"].split("|") == [service.name for service in SERVICES]


def test_the_local_stack_scrapes_what_it_runs(tmp_path: Path) -> None:
    Watching(every="1s", divisor=60, alerts_to=9).write(tmp_path, {"ticker": "http://127.0.0.1:20001"})
    (target,) = json.loads((tmp_path / "targets.json").read_text())
    assert target == {"targets": ["127.0.0.1:20001"], "labels": {"instance": "ticker"}}
    settings = json.loads((tmp_path / "prometheus.yml").read_text())
    assert settings["global"]["scrape_interval"] == "1s"
    assert settings["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9"]
    assert (tmp_path / "alerts.yml").read_text() == rendered(60)


def test_the_rules_are_rendered_from_their_template() -> None:
    assert RULES.read_text() == rendered(), "python -m deploy.prometheus render"


@given(st.integers(1, 10_000))
def test_a_drill_differs_in_its_times_alone(divisor: int) -> None:
    """Each marked time is divided by the same number; every other byte is the office's."""
    template = TEMPLATE.read_text()
    others = re.escape(TIME.sub("\0", template)).split(re.escape("\0"))
    pattern = re.compile(r"([\d.e+-]+)(ms|s|m|h|d)?".join(others))
    office, drill = (pattern.fullmatch(rendered(each).partition("\n")[2]) for each in (1, divisor))
    assert office is not None
    assert drill is not None
    for (number, unit), (shorter, its_unit) in zip(pairs(office.groups()), pairs(drill.groups()), strict=True):
        wanted = float(number) * MILLISECONDS[unit] / divisor
        assert float(shorter) * MILLISECONDS[its_unit] == pytest.approx(wanted, rel=1e-4, abs=1.0)


def test_no_time_in_the_template_is_unmarked() -> None:
    text = TIME.sub("", TEMPLATE.read_text())
    assert not re.search(r"\d(ms|s|m|h|d)\b|for: \d|\[\d", re.sub(r'"[^"]*"|#.*', "", text))


def test_every_alert_has_a_drill() -> None:
    assert sorted(DRILLS) == sorted(alert["alert"] for alert in ALERTS)


RISING = sorted({name for alert in ALERTS for name in re.findall(r"increase\((\w+)", alert["expr"])})


@pytest.mark.parametrize("name", RISING)
def test_what_an_alert_sees_rise_is_there_from_the_start(name: str) -> None:
    """A series that is born with its first count has not risen: the first of a kind would be missed."""
    done = subprocess.run([sys.executable, "-c", STARTED, name], capture_output=True, text=True, check=False)
    assert int(done.stdout or 0) > 0, done.stdout + done.stderr


STARTED = """
import sys
import beteiligte_sync.metrics, calendar_sync.metrics, document_sync.metrics, ticker.metrics, webhook_ingress.metrics
from beteiligte_sync.entities.registry import REGISTRY as NOUNS
from synckit.service.metrics import REGISTRY
from synckit.service.worker_metrics import WorkerMetrics
WorkerMetrics("vmh.beteiligte")
beteiligte_sync.metrics.expect([mapping.entity for mapping in NOUNS])
ticker.metrics.expect(["sweep"])
print(sum(sample.name == sys.argv[1] for family in REGISTRY.collect() for sample in family.samples))
"""
MILLISECONDS = {None: 1000, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def pairs(found: tuple[str | None, ...]) -> Iterator[tuple[str, str | None]]:
    for number, unit in zip(found[::2], found[1::2], strict=True):
        assert number is not None
        yield number, unit
