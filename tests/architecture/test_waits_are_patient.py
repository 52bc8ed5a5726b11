"""Tests wait for a condition, and as long as `deploy.local.waiting` says: a machine may be four times slower."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.table import ROOT

WHOLE = 600
"""The limit of every test, in pyproject.toml."""
ELAPSES = 1.0
"""A shorter limit is there to elapse: the silence that the test is about."""
LAST_IS_A_LIMIT = {"timeout", "wait_for", "wait"}
NAMED_IS_A_LIMIT = {"run", "check_output", "communicate", "wait", "wait_for", "wait_procs"}
SLEEPS = {"time.sleep", "asyncio.sleep"}
PROGRAMS = ("tests/chaos/", "tests/mutants/")
"""Commands of their own, and what they do takes the time that it says."""


def _files() -> list[str]:
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*/tests/*.py", "tests/*.py"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted(one for one in set(listed) if not one.startswith(PROGRAMS) and (ROOT / one).exists())


def _number(node: ast.expr) -> float | None:
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def _name(call: ast.Call) -> tuple[str, str]:
    """`asyncio.timeout` → the last word, and the whole."""
    whole = ast.unparse(call.func)
    return whole.rpartition(".")[2], whole


def hasty(source: str, *, is_test: bool) -> Iterator[str]:
    """Every limit in figures that a slow machine may not keep, and every sleep of a test."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name, whole = _name(call)
        told = [each for each in map(_number, _limits(name, call)) if each is not None]
        if whole == "pytest.mark.timeout":
            if any(each < WHOLE for each in told):
                yield f"line {call.lineno}: {ast.unparse(call)}"
        elif any(each >= ELAPSES for each in told) or (is_test and whole in SLEEPS):
            yield f"line {call.lineno}: {ast.unparse(call)}"


def _limits(name: str, call: ast.Call) -> Iterator[ast.expr]:
    if name in LAST_IS_A_LIMIT:
        yield from call.args[-1:]
    if name in NAMED_IS_A_LIMIT:
        yield from (each.value for each in call.keywords if each.arg == "timeout")


def test_no_limit_of_a_wait_is_tight() -> None:
    found = {file: list(hasty((ROOT / file).read_text(), is_test=_is_test(file))) for file in _files()}
    assert len(found) > 100
    assert {file: lines for file, lines in found.items() if lines} == {}


def _is_test(file: str) -> bool:
    """Programs that tests start may sleep."""
    return Path(file).name.startswith("test_")


@pytest.mark.parametrize(
    "line",
    [
        "asyncio.timeout(20)",
        "asyncio.wait_for(told.get(), 5)",
        "asyncio.wait_for(told.get(), timeout=5.0)",
        "subprocess.run(words, timeout=30)",
        "job.communicate(timeout=60)",
        "process.wait(10)",
        "pytest.mark.timeout(120)",
        "time.sleep(0.5)",
        "asyncio.sleep(1)",
    ],
)
def test_a_tight_limit_is_seen(line: str) -> None:
    assert list(hasty(line, is_test=True)) == [f"line 1: {line}"]


@pytest.mark.parametrize(
    "line", ["asyncio.wait_for(x, LONG)", "asyncio.timeout(0.05)", "clock.sleep(1)", "pytest.mark.timeout(900)"]
)
def test_patience_and_a_limit_that_elapses_are_not(line: str) -> None:
    assert list(hasty(line, is_test=True)) == []
