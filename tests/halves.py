"""`python -m tests.halves [pytest's arguments]`: all tests, in two halves at once, for one mostly waits for servers.

The half with servers is shown as it goes, the other one when that has ended. A folder of its own for each half's cache:
two runs that write the same one would forget each other's failures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from synckit.command import run_command

DESCRIPTION = "All tests, in two halves at once. What is written behind goes to pytest, twice. Exit status: pytest's."
WITH_SERVERS, WITHOUT = "stack", "not stack"
NO_TESTS = 5
"""pytest's exit status where nothing was collected: no failure of a half that the arguments leave empty."""


def command_of(half: str, arguments: Sequence[str]) -> list[str]:
    """One half's own pytest."""
    cache = f"cache_dir=.pytest_cache/{half.replace(' ', '-')}"
    return [sys.executable, "-m", "pytest", "-o", cache, *arguments, "-m", half]


def status_of(halves: Sequence[int]) -> int:
    """The whole run's exit status: that of the half that went wrong; NO_TESTS only where neither had any."""
    failed = [each for each in halves if each not in (0, NO_TESTS)]
    if failed:
        return max(failed)
    return NO_TESTS if all(each == NO_TESTS for each in halves) else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.halves", description=DESCRIPTION)
    _, arguments = parser.parse_known_args()
    with tempfile.TemporaryFile() as kept:
        other = subprocess.Popen(command_of(WITHOUT, arguments), stdout=kept, stderr=subprocess.STDOUT)
        try:
            _say("the half that needs servers; the other one runs beside it and is shown after it")
            shown = subprocess.run(command_of(WITH_SERVERS, arguments), check=False).returncode
            _say("the half that needs none")
            unseen = other.wait()
        except BaseException:
            # Ctrl-C reaches both, as they are of one group; anything else must not leave one behind.
            other.terminate()
            other.wait()
            raise
        finally:
            kept.seek(0)
            sys.stdout.flush()
            sys.stdout.buffer.write(kept.read())
            sys.stdout.flush()
    return status_of((shown, unseen))


if __name__ == "__main__":
    run_command(main)
