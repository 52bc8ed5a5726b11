"""Checks scrape configurations and alerts with promtool, each alert by a case that fires and one that does not.

`python -m deploy.prometheus`: promtool from the PATH, else from Debian's package, unpacked below var/ without root.
`… render` writes alerts.yml from its template again.
Exit status: 0 all good; 1 something is wrong; 2 wrong call; 3 promtool can't be had; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from deploy.prometheus.binaries import program, run
from deploy.prometheus.rules import HERE, RULES, rendered
from deploy.tools import ToolMissing
from synckit.command import run_command

CHECKS = (
    ("check", "rules", "alerts.yml"),
    ("test", "rules", "alerts_test.yml"),
    ("check", "config", "prometheus.yml"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.prometheus", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("check", "render"), default="check")
    if parser.parse_args(arguments).command == "render":
        RULES.write_text(rendered())
        return 0
    try:
        promtool = program("promtool")
    except ToolMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 3
    failed = [" ".join(check) for check in CHECKS if _failed(promtool, check, HERE)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubernetes.yml"
        path.write_text(_without_discovery((HERE / path.name).read_text(encoding="utf-8")))
        failed += [path.name] if _failed(promtool, ("check", "config", "--syntax-only", path.name), path.parent) else []
    return 1 if failed else 0


def _without_discovery(text: str) -> str:
    """Debian's promtool is built without Kubernetes: all else of that file is checked, with a pod that is given."""
    settings = yaml.safe_load(text)
    for job in settings["scrape_configs"]:
        if job.pop("kubernetes_sd_configs") != [{"role": "pod", "namespaces": {"names": ["synckit"]}}]:
            raise ValueError("the job of Kubernetes has to ask for the pods of its namespace")
        job["static_configs"] = [{"targets": ["pod:8080"]}]
    return str(yaml.safe_dump(settings))


def _failed(promtool: Path, check: tuple[str, ...], folder: Path) -> bool:
    done = run([str(promtool), *check], folder)
    sys.stdout.write(f"{'ok' if done.returncode == 0 else 'WRONG':6}promtool {' '.join(check)}\n")
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return done.returncode != 0


if __name__ == "__main__":
    run_command(main)
