"""The page on the architecture: short, and its picture has exactly the imports that there are."""

from __future__ import annotations

import re
import tomllib
from itertools import permutations
from typing import Any

import grimp
import pytest

from deploy.local.table import ROOT, SERVICES

PAGE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = (*(service.module for service in SERVICES), "kanzlei", "recordsync", "synckit")
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def drawn() -> set[tuple[str, str]]:
    lines = re.findall(r"^    (\w+) --> ([\w& ]+)$", PAGE, re.MULTILINE)
    return {(source, target.strip()) for source, targets in lines for target in targets.split("&")}


def test_the_picture_has_exactly_the_imports_of_the_packages() -> None:
    graph = grimp.build_graph(*PACKAGES)
    there = {
        (one, other)
        for one, other in permutations(PACKAGES, 2)
        if graph.direct_import_exists(importer=one, imported=other, as_packages=True)
    }
    assert drawn() == there


def test_the_page_is_read_at_one_sitting() -> None:
    assert len(PAGE.split()) < 1500


@pytest.mark.parametrize(("package", "column"), [("synckit", 0), ("recordsync", 34)])
def test_the_layers_are_those_that_are_held(package: str, column: int) -> None:
    """From the top; what stands in one layer may be shortened, and the order may not differ."""
    (contract,) = [one for one in CONTRACTS if one["type"] == "layers" and one.get("containers") == [package]]
    held = [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]
    block = next(one for one in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if one.startswith("synckit"))
    told = [line[column : column + 34].strip() for line in block.splitlines()[1:]]
    shown = [set(re.findall(r"\w+", line)) for line in told if line]
    assert len(shown) == len(held)
    assert all(some <= whole for some, whole in zip(shown, held, strict=True))
