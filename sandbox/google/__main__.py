"""`python -m sandbox.google --port N [--host H]`: token service and Calendar API on one address, a page at `/`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.command import run_command
from sandbox.google.accounts import read_accounts
from sandbox.google.app import build
from sandbox.google.quota import GOOGLE, NO_LIMITS
from sandbox.google.service_account import account_of
from sandbox.serve import run


def main() -> None:
    """Read the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.google", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--accounts", type=Path, help="more accounts of the domain: one address a line, or JSON")
    parser.add_argument(
        "--write-service-account", type=Path, metavar="FILE", help="write the service account's JSON (or take its key)"
    )
    parser.add_argument("--public-url", help="this sandbox's address as the services see it, for token_uri")
    parser.add_argument("--quota", choices=("off", "google"), default="off", help="Google's published limits")
    given = parser.parse_args()
    key = account_of(given.write_service_account)
    more = read_accounts(given.accounts) if given.accounts else []
    app = build(more, key=key, limits=GOOGLE if given.quota == "google" else NO_LIMITS)

    def listening(url: str) -> None:
        if given.write_service_account:
            key.write(given.write_service_account, given.public_url or url)

    run(app, "Google", given.host, given.port, listening)


if __name__ == "__main__":
    run_command(main)
