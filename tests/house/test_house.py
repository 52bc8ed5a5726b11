"""The figures count what they say, and what the house promises of itself holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.measures import assigned_from_outside, circle, engine, modules, packages, places

ROOT = Path(__file__).resolve().parents[2]
ONE = '''"""A docstring."""

from alpha import two


def first(other):
    """Says nothing."""
    # Because of the order.
    other.name = 1
    other.inner.name += 1
    return two
'''
TWO = "import alpha.one\n\n\nclass Own:\n    def __init__(self):\n        self.field = 1\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    source = tmp_path / "libs" / "common" / "src" / "alpha"
    (source / "testing").mkdir(parents=True)
    for name, text in (("one", ONE), ("two", TWO), ("__init__", ""), ("testing/fake", "x = 1\n")):
        (source / f"{name}.py").write_text(text)
    return tmp_path


def test_lines_functions_and_comments_are_counted(tree: Path) -> None:
    """Docstrings, blank lines and comments are no code; what only tests use is left out."""
    (alpha,) = packages(modules(tree)).values()
    assert (alpha.modules, alpha.lines, alpha.functions, alpha.long_functions) == (3, 9, 2, 0)
    assert alpha.comments == pytest.approx(1 / 17)


def test_a_field_of_another_that_is_assigned_is_seen(tree: Path) -> None:
    found = {module.name: [text for _, text in assigned_from_outside(module)] for module in modules(tree)}
    assert found == {"alpha": [], "alpha.one": ["other.name", "other.inner.name"], "alpha.two": []}


def test_a_circle_of_imports_is_named(tree: Path) -> None:
    assert set(circle(modules(tree))) == {"alpha.one", "alpha.two"}
    (tree / "libs/common/src/alpha/two.py").write_text("x = 1\n")
    assert circle(modules(tree)) == []


def test_places_leave_out_its_own_folder_and_prose(tree: Path) -> None:
    for name in ("deploy/topics.yaml", "deploy/page.md", "services/apples/main.py", "services/pears/main.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("Apples\n")
    assert places(tree, "apples") == ["services/pears/main.py", "deploy/topics.yaml"]


def test_our_house_has_no_circle_and_a_frozen_engine() -> None:
    found = modules(ROOT)
    assert circle(found) == []
    assert engine(found)["assigned"] == 0


def test_the_command_prints_both_forms() -> None:
    for form in ([], ["--json"]):
        ran = subprocess.run(
            [sys.executable, "-m", "tests.house", *form], check=False, capture_output=True, text=True, cwd=ROOT
        )
        assert ran.returncode == 0, ran.stderr
        if form:
            assert json.loads(ran.stdout)["now"]["circle"] == []
        else:
            assert "recordsync: comments" in ran.stdout
