"""`python -m sandbox.espocrm --port N`: serve one sandbox until SIGTERM."""

from __future__ import annotations

import argparse

from sandbox.command import run_command
from sandbox.espocrm.app import build
from sandbox.espocrm.metadata import PROFILES
from sandbox.espocrm.settings import Settings
from sandbox.serve import run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.espocrm", description=__doc__)
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one; the line printed tells which")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--dispatch-interval", type=float, default=120.0, help="seconds between runs of the webhook job"
    )
    parser.add_argument("--event-portion", type=int, default=20, help="events that one run takes from the queue")
    parser.add_argument("--batch-size", type=int, default=50, help="items that one run sends to one webhook")
    parser.add_argument(
        "--fail-attempt-period", type=float, default=600.0, help="seconds until a failed batch is sent again"
    )
    parser.add_argument("--link-hook", action="store_true", help="as if the hook of deploy/espocrm were installed")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--profile", choices=PROFILES, default="office")
    which.add_argument(
        "--bare", action="store_const", const="bare", dest="profile", help="as installed: nothing of the office's"
    )
    parser.add_argument("--version", choices=("10.0.0", "9.2.7"), default="10.0.0")
    return parser.parse_args()


def main() -> None:
    """Parse, build, serve."""
    given = _arguments()
    settings = Settings(
        profile=given.profile,
        version=given.version,
        dispatch_interval=given.dispatch_interval,
        event_portion=given.event_portion,
        batch_size=given.batch_size,
        fail_attempt_period=given.fail_attempt_period,
        link_hook=given.link_hook,
    )
    run(build(settings), "espocrm", given.host, given.port)


if __name__ == "__main__":
    run_command(main)
