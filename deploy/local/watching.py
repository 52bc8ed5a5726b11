"""A Prometheus beside the local stack: it scrapes all services, and judges the rules, their times divided or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.prometheus.binaries import program
from deploy.prometheus.rules import rendered

NAME = "prometheus"


@dataclass(frozen=True)
class Watching:
    """How closely it looks. `divisor` is what the times of the rules are divided by.

    `alerts_to`: port of a receiver on this machine that takes what fires, 0 for none.
    """

    every: str = "5s"
    divisor: int = 1
    alerts_to: int = 0

    def argv(self, folder: Path, port: int) -> list[str]:
        """The command line. ToolMissing where no Prometheus can be had."""
        return [
            str(program(NAME)),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=warn",
        ]

    def write(self, folder: Path, services: Mapping[str, str]) -> None:
        """Its files. `services`: name → address, which is who is scraped; a name is the `instance` in what it says."""
        folder.mkdir(parents=True, exist_ok=True)
        targets = [
            {"targets": [url.removeprefix("http://")], "labels": {"instance": name}} for name, url in services.items()
        ]
        (folder / "targets.json").write_text(json.dumps(targets, indent=1))
        (folder / "alerts.yml").write_text(rendered(self.divisor))
        (folder / "prometheus.yml").write_text(json.dumps(self._settings(), indent=1))

    def _settings(self) -> dict[str, object]:
        """JSON is YAML."""
        settings: dict[str, object] = {
            "global": {"scrape_interval": self.every, "scrape_timeout": self.every, "evaluation_interval": self.every},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [{"job_name": "synckit", "file_sd_configs": [{"files": ["targets.json"]}]}],
        }
        if self.alerts_to:
            receiver = {"static_configs": [{"targets": [f"{LOOPBACK}:{self.alerts_to}"]}]}
            settings["alerting"] = {"alertmanagers": [receiver]}
        return settings
