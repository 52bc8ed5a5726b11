"""`python -m advoware_proxy`: settings, wiring, run."""

from __future__ import annotations

import sys

from advoware_proxy.app import build
from advoware_proxy.settings import Settings
from synckit.command import run_command
from synckit.service.service import main

if __name__ == "__main__":
    run_command(lambda: main(Settings, build, sys.argv[1:]))
