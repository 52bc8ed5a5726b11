"""What the documents name is there: files, make targets, modules, variables, tests; and they know no machine."""

from __future__ import annotations

import importlib
import importlib.util
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from deploy.local.table import ROOT, SERVICES, Service
from recordsync.mapping.field import EntityMapping
from synckit.service.settings_doc import table, variables
from tests.chaos.kills import SHARES
from tests.chaos.overload import CASES
from tests.chaos.world import SAFETIES

SKIPPED = {".venv", "var", ".git", "node_modules", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis"}
PAGES = [page for page in sorted(ROOT.rglob("*.md")) if not SKIPPED & set(page.relative_to(ROOT).parts)]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
METRICS = [*(ROOT / "libs/common/src").rglob("*metrics.py"), *(ROOT / "services").glob("*/src/*/metrics.py")]
PREFIXES = (
    "KAFKA_",
    "DATABASE_",
    "REDIS_",
    "ESPOCRM_",
    "ADVOWARE_",
    "WEBHOOK_INGRESS_",
    "BETEILIGTE_",
    "TICKER_",
    "BRAKE_",
    "LOG_",
)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@cache
def known_variables() -> set[str]:
    named = {
        variable.name
        for service in SERVICES
        for variable in variables(importlib.import_module(f"{service.module}.settings").Settings)
    }
    example = (ROOT / ".env.example").read_text()
    return named | set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))


@cache
def known_tests() -> set[str]:
    files = [
        path for folder in ("libs", "services", "sandbox", "deploy", "tests") for path in (ROOT / folder).rglob("*.py")
    ]
    names = {path.stem for path in files if path.stem.startswith("test_")}
    return names | {name for path in files for name in re.findall(r"def (test_\w+)\(", path.read_text())}


def _code_of(page: Path) -> str:
    return "\n".join(re.findall(r"```.*?```|`[^`]+`", page.read_text(), flags=re.DOTALL))


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(there), f"{target}: no such heading"


@each_page
def test_every_make_target_and_module_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    code = _code_of(page)
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets
    modules = set(re.findall(r"python3? -m ([a-z_.]+[a-z_])", code))
    assert {name for name in modules if importlib.util.find_spec(name) is None} == set()


@each_page
def test_every_variable_of_ours_that_is_named_exists(page: Path) -> None:
    named = {
        name for name in re.findall(r"`([A-Z][A-Z_]+[A-Z])(?:=[^`]*)?`", page.read_text()) if name.startswith(PREFIXES)
    }
    assert named <= known_variables()


@each_page
def test_every_metric_that_is_named_exists(page: Path) -> None:
    known = {name for module in METRICS for name in re.findall(r'"(sync_\w+)"', module.read_text())}
    named = {name.removesuffix("_bucket") for name in re.findall(r"\bsync_[a-z_]+_\w+", _code_of(page))}
    assert {name for name in named if name not in known} == set()


@each_page
def test_every_test_that_is_named_exists(page: Path) -> None:
    assert {
        name for name in re.findall(r"`(test_\w+?)(?:\.py)?`", page.read_text()) if name not in known_tests()
    } == set()


def test_every_promise_is_shown_by_commands_and_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    promises = [row.split(" | ") for row in re.findall(r"^\| (\d+ \| .*)$", page, flags=re.MULTILINE)]
    assert [int(row[0]) for row in promises] == list(range(1, len(promises) + 1))
    known = {"make": set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))}
    known |= {"--case": set(CASES), "--without": set(SAFETIES), "--only": set(SHARES)}
    for _, promise, shown, *_ in promises:
        commands = re.findall(r"`((?:make|python -m) [^`]+)`", shown)
        tests = re.findall(r"`(test_\w+)`", shown)
        assert commands or tests, f"nothing shows: {promise}"
        assert set(tests) <= known_tests()
        for option, value in re.findall(r"(make|--case|--without|--only) ([\w-]+)", " ".join(commands)):
            assert value in known[option], f"{option} {value} is not there"
        for module in re.findall(r"python -m ([\w.]+)", " ".join(commands)):
            assert importlib.util.find_spec(module) is not None, f"{module} is not there"


@each_page
def test_no_page_knows_a_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|root|home|Users)/\w+|/tmp/\w+", page.read_text()) == []


def test_a_file_of_keys_is_named_where_neither_git_nor_an_image_takes_it() -> None:
    named = {name for page in PAGES for name in re.findall(r"--secrets-file ([\w./-]+)", page.read_text())}
    assert named
    assert {name for name in named if not fnmatch(name, "var/*secrets*.json")} == set()
    for file, pattern in ((".gitignore", "*secrets*.json"), (".dockerignore", "**/*secrets*.json")):
        lines = (ROOT / file).read_text().splitlines()
        assert pattern in lines
        assert {"var", "var/"} & set(lines)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))
def test_a_services_page_has_its_settings_as_they_are(service: Service) -> None:
    settings = importlib.import_module(f"{service.module}.settings").Settings
    page = ROOT / "services" / service.name / "README.md"
    assert table(settings) in page.read_text()


def test_the_entity_of_the_walk_through_can_be_built() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "adding-an-entity.md").read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "adding-an-entity.md", "exec"), names)  # noqa: S102 - our own page
    mapping = names["AKTEN"]
    assert isinstance(mapping, EntityMapping)
    body = mapping.for_create({"name": "Probe ./. Probe", "sachgebiet": "Mietrecht", "eroeffnet": None, "notiz": None})
    assert set(body) == set(mapping.right_writable)


def test_decisions_are_one_page_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    decisions = sorted(folder.glob("[0-9]*.md"))
    listed = (folder / "README.md").read_text()
    assert [page.name for page in decisions if f"({page.name})" not in listed] == []
    assert [page.name for page in decisions if len(page.read_text().splitlines()) > 60] == []


@each_page
def test_no_line_is_longer_than_a_screen(page: Path) -> None:
    """Outside tables, which can't be broken: a reader compares versions line by line."""
    lines = enumerate(page.read_text().splitlines(), start=1)
    assert [number for number, line in lines if len(line) > 160 and not line.lstrip().startswith("|")] == []
