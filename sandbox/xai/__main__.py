"""`python -m sandbox.xai --port N --management-port M [--host H]`: files and search, and collections, a page at `/`."""

from __future__ import annotations

import argparse

from sandbox.command import run_command
from sandbox.serve import Site, run_sites
from sandbox.xai.app import INDEXING_SECONDS, build


def main() -> None:
    """Read the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.xai", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of files and search; 0 takes a free one")
    parser.add_argument("--management-port", type=int, required=True, help="of collections; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--indexing-seconds", type=float, default=INDEXING_SECONDS, help="until a document can be found (1)"
    )
    given = parser.parse_args()
    sandbox = build(indexing_seconds=given.indexing_seconds)
    run_sites(
        [
            Site(sandbox.api, "xAI", given.port),
            Site(sandbox.management, "xAI management", given.management_port),
        ],
        given.host,
    )


if __name__ == "__main__":
    run_command(main)
