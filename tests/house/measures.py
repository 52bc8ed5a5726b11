"""What is counted in one tree of Python source. Pure but for reading files."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

LONG_FUNCTION = 30
ENGINES = ("synckit/engine", "recordsync/engine", "recordsync/decide", "recordsync/act", "recordsync/observe")
"""Where a look at a record is decided and carried out: as it was, and as it is."""
NOT_OURS_TO_COUNT = ("/tests/", "/testing/", "/migrations/")
NOUN = "bankverbindungen"
"""A noun with everything: its name stands in each place that a new one needs."""
SERVICE = "advoware-proxy"
"""A service with everything that was there before, too."""
WITHOUT = {".md", ".json", ".jsonl", ".pyc", ".txt"}
"""What is prose, generated or recorded."""
PLACES = ("libs", "services", "deploy", "sandbox", "demo", "tests/conftest.py", "docker-compose.yml", "Makefile")


@dataclass(frozen=True, slots=True)
class Module:
    """One module: where, its name as imports say it, and what stands in it."""

    path: str
    name: str
    tree: ast.Module
    text: str

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Package:
    """`lines` hold code (no blank ones, comments or docstrings); `comments` is their share of all lines, 0 to 1."""

    modules: int
    lines: int
    longest_module: int
    functions: int
    long_functions: int
    comments: float


def modules(root: Path) -> list[Module]:
    """Every module of the libraries and services, tests and migrations left out."""
    found = []
    for source in sorted([root / "libs" / "common" / "src", *root.glob("services/*/src")]):
        for path in sorted(source.rglob("*.py")):
            if not any(part in f"/{path.relative_to(root)}" for part in NOT_OURS_TO_COUNT):
                text = path.read_text(encoding="utf-8")
                name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
                found.append(Module(str(path.relative_to(root)), name, ast.parse(text), text))
    return found


def packages(found: Iterable[Module]) -> dict[str, Package]:
    """Name of each top package → its figures."""
    by_name: dict[str, list[Module]] = defaultdict(list)
    for module in found:
        by_name[module.package].append(module)
    return {name: _package(members) for name, members in sorted(by_name.items())}


def _package(members: list[Module]) -> Package:
    code = [len(_code_lines(module)) for module in members]
    functions = [_length(node) for module in members for node in ast.walk(module.tree) if _is_function(node)]
    comments = sum(_comments(module.text) for module in members)
    lines = sum(module.text.count("\n") for module in members)
    long = sum(1 for length in functions if length > LONG_FUNCTION)
    return Package(len(members), sum(code), max(code), len(functions), long, comments / max(1, lines))


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _length(node: ast.AST) -> int:
    return int(getattr(node, "end_lineno", 0) or 0) - int(getattr(node, "lineno", 0)) + 1


def _code_lines(module: Module) -> set[int]:
    docstrings = {
        line
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(module.text.splitlines(), 1)
    return {number for number, line in lines if line.strip() and not line.strip().startswith("#")} - docstrings


def _comments(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(1 for token in tokens if token.type == tokenize.COMMENT and "noqa" not in token.string)


def engine(found: Iterable[Module]) -> Mapping[str, int]:
    """Rooms, functions, returns and raises of what decides and carries out a look."""
    rooms = [module for module in found if any(f"/{room}" in f"/{module.path}" for room in ENGINES)]
    nodes = [node for module in rooms for node in ast.walk(module.tree)]
    return {
        "rooms": len(rooms),
        "functions": sum(1 for node in nodes if _is_function(node)),
        "returns": sum(1 for node in nodes if isinstance(node, ast.Return)),
        "raises": sum(1 for node in nodes if isinstance(node, ast.Raise)),
        "assigned": sum(1 for module in rooms for _ in assigned_from_outside(module)),
    }


def assigned_from_outside(module: Module) -> Iterator[tuple[int, str]]:
    """Line and text of each `other.field = …`: a value that somebody else holds is changed under him."""
    for node in ast.walk(module.tree):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Attribute) and not _is_own(target):
                yield target.lineno, ast.unparse(target)


def _is_own(target: ast.Attribute) -> bool:
    holder: ast.expr = target.value
    while isinstance(holder, ast.Attribute):
        holder = holder.value
    return isinstance(holder, ast.Name) and holder.id in {"self", "cls"}


def circle(found: Iterable[Module]) -> list[str]:
    """Modules that import each other in a circle, [] where none do. What only types need counts, too."""
    known = {module.name: module for module in found}
    graph = {name: _imports(module, known) - {name} for name, module in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def _imports(module: Module, known: Mapping[str, Module]) -> set[str]:
    named: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named |= {
                inner if (inner := f"{node.module}.{alias.name}") in known else node.module for alias in node.names
            }
    return named & known.keys()


def places(root: Path, word: str) -> list[str]:
    """Files that name it, its own folder, tests, documents and what is generated left out."""
    own, tests = f"/{word}", "test"
    found = []
    for top in PLACES:
        paths = [root / top] if (root / top).is_file() else sorted((root / top).rglob("*"))
        for path in paths:
            name = str(path.relative_to(root))
            if (
                not path.is_file()
                or tests in name
                or own in f"/{name}"
                or path.suffix in {".md", ".json", ".pyc", ".txt"}
            ):
                continue
            if word in path.read_text(encoding="utf-8", errors="ignore").casefold():
                found.append(name)
    return found
