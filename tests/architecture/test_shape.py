"""The sizes and names that the code keeps to, where no linter has a rule for it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from deploy.local.table import ROOT

FOLDERS = ("libs", "services", "sandbox", "deploy", "demo", "tests")
LONGEST_MODULE, LONGEST_TEST_MODULE = 400, 600
LONGEST_FUNCTION = 50
NOT_USED = {"utils", "helpers", "misc", "manager", "data", "info", "process", "common"}


def modules() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def is_test(path: Path) -> bool:
    return "tests" in path.relative_to(ROOT).parts


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in modules()}
    limits = {path: LONGEST_TEST_MODULE if is_test(path) else LONGEST_MODULE for path in lengths}
    assert [str(path.relative_to(ROOT)) for path, lines in lengths.items() if lines > limits[path]] == []


def test_every_module_says_what_it_is() -> None:
    named = [path for path in modules() if path.name != "__init__.py" and ast.get_docstring(parsed(path)) is None]
    assert [str(path.relative_to(ROOT)) for path in named] == []


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path.relative_to(ROOT)) for path in modules() if path.stem in NOT_USED] == []


@pytest.mark.parametrize("module", ["time", "asyncio"])
def test_no_test_sleeps(module: str) -> None:
    sleeping = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        if path.name.startswith(("test_", "conftest"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    ]
    assert sleeping == []


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
