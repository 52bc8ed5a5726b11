"""Writes the examples of docs/why.md anew: `python -m tests.why_examples [--check]`. Needs no server.

Everything comes from the stage beside it: real clients on sandboxes, a clock that stands still.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from pathlib import Path

from recordsync.explain.commands import RELEASE_BRAKE, propose
from recordsync.explain.render import plain
from synckit.command import run_command
from tests.why_stage import SCENES, in_memory, stage

PAGE = Path(__file__).resolve().parents[1] / "docs" / "why.md"
_BLOCK = re.compile(r"(<!-- example: (?P<name>[a-z-]+) -->\n```text\n).*?(```\n)", re.DOTALL)


async def examples() -> dict[str, str]:
    """Name → what the command prints."""
    told: dict[str, str] = {}
    for name, play in SCENES.items():
        async with stage(in_memory()) as office:
            findings, report = await office.asked(await play(office))
            told[name] = plain(report)
            if name == "braked":
                told["release"] = "\n".join(propose(RELEASE_BRAKE, findings, report).lines) + "\n"
    return told


def page_with(told: dict[str, str]) -> str:
    """The page as it should be."""
    return _BLOCK.sub(lambda found: f"{found[1]}{told[found['name']]}{found[3]}", PAGE.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.why_examples", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where it would")
    options = parser.parse_args(arguments)
    should = page_with(asyncio.run(examples()))
    if options.check:
        return int(should != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(should, encoding="utf-8")
    return 0


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
