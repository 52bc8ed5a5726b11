"""What a service imports, directly or not, is in the requirements of its image."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

import grimp
import pytest

from deploy.local.table import ROOT, SERVICES

OURS = ("synckit", "recordsync", "kanzlei", *(service.module for service in SERVICES), "sandbox")
IMAGES = {
    **{service.name: (service.module,) for service in SERVICES},
    "migrate": (
        "synckit.kafka.__main__",
        "synckit.postgres.migrate",
        "synckit.postgres.migrations",
        "kanzlei.migrations",
    ),
    "sandbox": ("sandbox",),
}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True)


def imported_from_outside(module: str) -> set[str]:
    """Top-level names outside of the standard library that are reached from `module` or below it.

    A service's migrations are run by the image `migrate`, which finds them as files.
    """
    found: set[str] = set()
    own = {module, *graph().find_descendants(module)}
    for start in {name for name in own if "migrations" in module or "migrations" not in name.split(".")}:
        found |= {name.partition(".")[0] for name in graph().find_upstream_modules(start)}
    return {name for name in found if name not in OURS and name not in sys.stdlib_module_names}


def pinned(image: str) -> set[str]:
    text = (ROOT / "requirements" / f"{image}.txt").read_text()
    return {name.lower() for name in re.findall(r"^([A-Za-z0-9_.-]+)", text, flags=re.MULTILINE)}


def distributions(name: str) -> set[str]:
    return {each.lower().replace("_", "-") for each in packages_distributions().get(name, [name])}


@pytest.mark.parametrize("image", IMAGES)
def test_every_import_of_an_image_is_pinned_for_it(image: str) -> None:
    names = {name for module in IMAGES[image] for name in imported_from_outside(module)}
    assert names, "an image that imports nothing is not looked at rightly"
    assert {name for name in names if not distributions(name) & pinned(image)} == set()


def test_all_requirements_files_pin_the_same_versions() -> None:
    seen: dict[str, set[str]] = {}
    for file in (ROOT / "requirements").glob("*.txt"):
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", file.read_text(), flags=re.MULTILINE):
            seen.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in seen.items() if len(versions) > 1} == {}
