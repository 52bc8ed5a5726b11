"""`python -m tests.house [--against REVISION] [--json]`: the figures of this tree, beside those of an older one.

How it is counted: *lines* of code, without blank ones, comments and docstrings; *rooms*, functions, `return`s and
`raise`s of the modules that decide and carry out a look at a record; *assigned from outside*: statements
`other.field = …`, where another holds the value; *a circle*: modules that import each other; *places*: files outside
its own folder, tests and documents that name the noun `bankverbindungen`, or the service `advoware-proxy`.

Exit status: 0; 2 where the older tree is not in this history.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

from synckit.command import run_command
from tests.house.measures import NOUN, SERVICE, assigned_from_outside, circle, engine, modules, packages, places

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = 2


def measured(root: Path) -> dict[str, Any]:
    """All figures of the tree at `root`."""
    found = modules(root)
    return {
        "packages": {name: asdict(each) for name, each in packages(found).items()},
        "engine": dict(engine(found)),
        "assigned from outside": sum(1 for module in found for _ in assigned_from_outside(module)),
        "circle": circle(found),
        "places of a noun": len(places(root, NOUN)),
        "places of a service": len(places(root, SERVICE)),
    }


def table(now: dict[str, Any], before: dict[str, Any] | None) -> str:
    """For a person: a line a figure, the older one first."""
    lines = []
    for title, figure in _flat(now).items():
        old = _flat(before or {}).get(title, "")
        lines.append(f"{title:<44} {old!s:>10} {figure!s:>10}" if before else f"{title:<44} {figure!s:>10}")
    gone = [title for title in _flat(before or {}) if title not in _flat(now)]
    lines += [f"{title:<44} {_flat(before or {})[title]!s:>10} {'-':>10}" for title in gone]
    return "\n".join(lines)


def _flat(figures: dict[str, Any], head: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in figures.items():
        title = f"{head}{name}".replace("_", " ")
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}: " if name not in {"packages"} else "")
        elif isinstance(value, list):
            flat[title] = " → ".join(value) or "none"
        else:
            flat[title] = f"{value:.1%}" if isinstance(value, float) else value
    return flat


def _archived(revision: str, folder: Path) -> bool:
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        return False
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.house", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", metavar="REVISION", help="show an older tree's figures beside this one's")
    parser.add_argument("--json", action="store_true", help="for a program")
    asked = parser.parse_args()
    now, before = measured(ROOT), None
    if asked.against:
        with tempfile.TemporaryDirectory() as folder:
            if not _archived(asked.against, Path(folder)):
                sys.stderr.write(f"this history does not hold {asked.against}: git fetch --unshallow\n")
                return UNKNOWN
            before = measured(Path(folder))
    shown = json.dumps({"now": now, "before": before}, indent=1) if asked.json else table(now, before)
    sys.stdout.write(f"{shown}\n")
    return 0


if __name__ == "__main__":
    run_command(main)
