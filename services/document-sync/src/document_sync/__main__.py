"""`python -m document_sync` is the service."""

from __future__ import annotations

import sys

from document_sync.app import build
from document_sync.settings import Settings
from synckit.command import run_command
from synckit.service.service import main


def start(arguments: list[str]) -> int:
    """The exit status."""
    return main(Settings, build, arguments)


if __name__ == "__main__":
    run_command(lambda: start(sys.argv[1:]))
