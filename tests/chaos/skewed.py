"""A service whose clock is off: `python -m tests.chaos.skewed FILE MODULE`. The file says by how much, e.g. "+600".

By our own wiring: the product asks one clock for the time. With CHAOS_LIBFAKETIME, the path of Debian's library, every
clock of the process but the monotonic one is off instead.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIBRARY = "CHAOS_LIBFAKETIME"


def main() -> None:
    file, module = Path(sys.argv[1]).resolve(), sys.argv[2]
    if library := os.environ.get(LIBRARY):
        os.execve(sys.executable, [sys.executable, "-m", module], _faked(library, file))  # noqa: S606 - our own words
    _shift(file)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _faked(library: str, file: Path) -> dict[str, str]:
    """The file is read again once a second."""
    told = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1"}
    return {**os.environ, **told, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def _shift(file: Path) -> None:
    from synckit.clock import SystemClock
    from synckit.worker.ports import LoopTimers

    def seconds() -> float:
        try:
            return float(file.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    def now(self: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds())

    def wall(self: LoopTimers) -> float:
        return time.time() + seconds()

    SystemClock.now = now  # type: ignore[method-assign]
    LoopTimers.wall = wall  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
