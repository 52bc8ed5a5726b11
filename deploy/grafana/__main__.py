"""`python -m deploy.grafana`: writes the dashboards again. `… --check` compares; `… --ask URL` asks a real Prometheus.

`--ask` fails where a panel has no data, but for those that say in their file why they may be empty; `--json` prints
what was found. Exit status: 0 done; 1 files differ, or a panel is empty; 2 wrong call; 3 Prometheus is away; 70 a bug.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from deploy.grafana.ask import Away, Found, asked
from deploy.grafana.catalogue import BOARDS, differing, write
from synckit.command import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.grafana", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say which files are not as they are made; write none")
    parser.add_argument("--ask", metavar="URL", help="ask this Prometheus for the data of every panel")
    parser.add_argument("--json", action="store_true", help="the answer of --ask as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.ask:
        return ask(chosen.ask, as_json=chosen.json)
    if not chosen.check:
        write()
    names = differing()
    sys.stdout.write("".join(f"differs: {name}\n" for name in names))
    return 1 if names else 0


def ask(url: str, *, as_json: bool = False) -> int:
    """Every panel of every dashboard; a line for each that is empty."""
    try:
        found = [each for board in BOARDS for each in asked(url, board)]
    except Away as error:
        sys.stderr.write(f"{error}\n")
        return 3
    if as_json:
        sys.stdout.write(json.dumps([each.as_json() for each in found], indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))
    return 1 if any(each.is_failure for each in found) else 0


def _lines(found: Sequence[Found]) -> list[str]:
    empty = [each for each in found if not each.series]
    lines = [f"{'EMPTY' if each.is_failure else 'empty':6}{each.board}: {each.title} ({each.why})" for each in empty]
    return [*lines, f"{len(found) - len(empty)} of {len(found)} panels have data"]


if __name__ == "__main__":
    run_command(main)
