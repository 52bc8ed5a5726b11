"""`python -m synckit.postgres`: see `synckit.postgres.migrate`."""

from __future__ import annotations

from synckit.command import run_command
from synckit.postgres.migrate import main

if __name__ == "__main__":
    run_command(main)
