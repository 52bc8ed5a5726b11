"""`python -m document_sync` is the service; with a command (`transfers`, `withdraw`, `audit`) it does that and ends."""

from __future__ import annotations

import sys

from document_sync.app import build
from document_sync.commands import run_by_hand
from document_sync.settings import Settings
from synckit.command import run_command
from synckit.service.service import main


def start(arguments: list[str]) -> int:
    """The exit status."""
    if arguments:
        return run_by_hand(arguments)
    return main(Settings, build, arguments)


if __name__ == "__main__":
    run_command(lambda: start(sys.argv[1:]))
