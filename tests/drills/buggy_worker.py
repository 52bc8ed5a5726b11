"""The worker with a bug: no look at a record comes to an end. A process of a drill."""

from __future__ import annotations

import sys

from beteiligte_sync import handlers
from beteiligte_sync.app import build
from beteiligte_sync.settings import Settings
from synckit.command import run_command
from synckit.events import ChangeEvent
from synckit.handling import Attempt, Outcome
from synckit.service.service import main


async def broken(self: handlers.SyncHandler, event: ChangeEvent, attempt: Attempt) -> Outcome:
    raise ValueError("a bug, as the drill wants it")


def buggy() -> int:
    """As the worker starts, but for the bug."""
    handlers.SyncHandler.handle = broken  # type: ignore[method-assign]
    return main(Settings, build, sys.argv[1:])


if __name__ == "__main__":
    run_command(buggy)
