"""Each service shows its own metrics: those of the library that it uses, and those of its own `metrics.py`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from deploy.local.table import ROOT, SERVICES, Service
from synckit import VERSION

MODULES = [*(ROOT / "libs/common/src").rglob("*metrics.py"), *(ROOT / "services").glob("*/src/*/metrics.py")]
SHOWN = """
import importlib, sys
importlib.import_module(sys.argv[1] + ".app")
from synckit.service.metrics import REGISTRY
print(*(family.name for family in REGISTRY.collect() if family.name.startswith("sync_")))
"""


def declared(module: str) -> set[str]:
    """Names in a service's own file, as a page without units and types has them."""
    text = (next((ROOT / "services").glob(f"*/src/{module}")) / "metrics.py").read_text()
    return {name.removesuffix("_total") for name in re.findall(r'"(sync_\w+)"', text)}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_shows_its_own_and_nobody_elses(service: Service) -> None:
    module = service.module
    done = subprocess.run([sys.executable, "-c", SHOWN, module], capture_output=True, text=True, check=True)
    shown = set(done.stdout.split())
    assert declared(module) <= shown
    others = {name for other in SERVICES if other.module != module for name in declared(other.module)}
    assert shown & (others - declared(module)) == set()
    worker = "sync_events_handled" in shown
    assert worker == (module in ("beteiligte_sync", "calendar_sync", "document_sync")), sorted(shown)


def test_a_metric_is_declared_once() -> None:
    names = [
        name for module in MODULES for name in re.findall(r'^\w+ = \w+\(\s*"(sync_\w+)"', module.read_text(), re.M)
    ]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_says_its_version(service: Service) -> None:
    """The newest one of the changes."""
    module, name = service.module, service.name
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{name} {VERSION}\n"
    released = re.findall(r"^## \[(\d{4}\.\d{2})\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == VERSION
