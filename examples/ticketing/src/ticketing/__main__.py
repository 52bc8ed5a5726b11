"""`python -m ticketing`: settings, wiring, run."""

import sys

from synckit.command import run_command
from synckit.service.service import main
from ticketing.app import build
from ticketing.settings import Settings

if __name__ == "__main__":
    run_command(lambda: main(Settings, build, sys.argv[1:]))
