"""`python -m beteiligte_sync`: settings, wiring, run."""

from __future__ import annotations

import sys

from beteiligte_sync.app import build
from beteiligte_sync.settings import Settings
from synckit.command import run_command
from synckit.service.service import main

if __name__ == "__main__":
    run_command(lambda: main(Settings, build, sys.argv[1:]))
