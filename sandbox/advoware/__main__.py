"""`python -m sandbox.advoware --port N [--host H]`: token service and API on one address, a page for people at `/`."""

from __future__ import annotations

import argparse

from sandbox.advoware.app import build
from sandbox.command import run_command
from sandbox.serve import run


def main() -> None:
    """Read the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.advoware", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    run(build(), "Advoware", given.host, given.port)


if __name__ == "__main__":
    run_command(main)
