"""Branches of migrations: each owner of tables has a schema, a row of revisions and a version table of its own.

A package that owns tables has a folder `migrations`. Its `__init__.py` says `SCHEMA = "…"`, and `NEEDS = "…"` where
another branch has to be there before. `0001_….py`, … are alembic's. Each says `revision`, `kind = "expand"` or
`"contract"`, and a contract also `oldest_code`: the revision of the oldest code that runs afterwards. Code needs no
alembic to know what it needs: the files' text is enough.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PUBLIC = "public"
EXPAND, CONTRACT = "expand", "contract"
FOLDER = "migrations"
_SCHEMA = re.compile(r'^SCHEMA = "([a-z][a-z0-9_]{0,62})"$', re.MULTILINE)
_NEEDS = re.compile(r'^NEEDS = "([a-z][a-z0-9_]{0,62})"$', re.MULTILINE)
_FILE = re.compile(r"([0-9]{4})_[a-z0-9_]+\.py\Z")


class NoMigrations(LookupError):
    """A package without migrations, or with files that say too little. The text names it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step. `oldest_code` is "" where older code runs as before."""

    revision: str
    kind: str
    oldest_code: str


@dataclass(frozen=True)
class Branch:
    """`name` is the package's, `schema` a plain identifier, `folder` has its migrations, `needs` is another's name."""

    name: str
    schema: str
    folder: Path
    needs: str = ""

    @cached_property
    def steps(self) -> tuple[Migration, ...]:
        """Oldest first. NoMigrations where there are none, or one does not say what it is."""
        files = sorted(file for file in self.folder.iterdir() if _FILE.match(file.name))
        if not files:
            raise NoMigrations(f"{self.folder}: no migrations")
        return tuple(map(_step, files))

    @property
    def head(self) -> str:
        """The newest revision that this code brings along."""
        return self.steps[-1].revision

    @property
    def needed(self) -> str:
        """What this code runs on: all of its steps but contracts at the end, for which it has to be there first."""
        return max((step.revision for step in self.steps if step.kind == EXPAND), default=self.head)

    @property
    def prefix(self) -> str:
        """Before a table's name. `public` is left to the connection, as of old."""
        return "" if self.schema == PUBLIC else f"{self.schema}."

    def oldest_code(self, revision: str) -> str:
        """Of a database at `revision`. Where no step up to there names one, it is that of the first step."""
        named = [step.oldest_code for step in self.steps if step.revision <= revision]
        return max(*named, self.steps[0].revision) if named else ""


def records() -> Branch:
    """What is in `public`: the memory of records and what else is older than branches."""
    return Branch(PUBLIC, PUBLIC, Path(__file__).parent / "migrations" / "versions")


def branch_of(package: str) -> Branch:
    """The branch of a top-level package, which is not imported. NoMigrations where it has none."""
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        branch = _in(package, Path(place))
        if branch is not None:
            return branch
    raise NoMigrations(f"{package}: no {FOLDER} with a SCHEMA")


def branches() -> tuple[Branch, ...]:
    """`public`, then those of all packages that can be imported here, by name."""
    found = {branch.name: branch for branch in _found()}
    return (records(), *(found[name] for name in sorted(found)))


def _found() -> Iterator[Branch]:
    for module in pkgutil.iter_modules():
        place: Any = getattr(module.module_finder, "path", None)
        if module.ispkg and isinstance(place, str):
            branch = _in(module.name, Path(place) / module.name)
            if branch is not None:
                yield branch


def _in(package: str, place: Path) -> Branch | None:
    folder = place / FOLDER
    try:
        text = (folder / "__init__.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    told = _SCHEMA.search(text)
    if not told:
        return None
    needs = _NEEDS.search(text)
    return Branch(package, told[1], folder, needs[1] if needs else "")


def _step(file: Path) -> Migration:
    text = file.read_text(encoding="utf-8")
    said = {word: _said(text, word) for word in ("revision", "kind", "oldest_code")}
    number = file.name[:4]
    kind, oldest = said["kind"], said["oldest_code"]
    if said["revision"] != number or kind not in (EXPAND, CONTRACT) or (kind == CONTRACT and not oldest):
        raise NoMigrations(f"{file.name}: revision {number}, kind and, of a contract, oldest_code are needed")
    return Migration(number, kind, oldest)


def _said(text: str, word: str) -> str:
    found = re.search(rf'^{word} = "([^"]*)"$', text, re.MULTILINE)
    return found[1] if found else ""
