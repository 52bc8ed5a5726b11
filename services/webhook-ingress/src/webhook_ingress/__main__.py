"""`python -m webhook_ingress`: settings, wiring, run."""

from __future__ import annotations

import sys

from synckit.command import run_command
from synckit.service.service import main
from webhook_ingress.app import build
from webhook_ingress.settings import Settings

if __name__ == "__main__":
    run_command(lambda: main(Settings, build, sys.argv[1:]))
