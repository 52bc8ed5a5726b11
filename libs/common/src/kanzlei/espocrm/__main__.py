"""`python -m kanzlei.espocrm install`, `python -m kanzlei.espocrm check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from kanzlei.espocrm import check_command, install_command
from synckit.command import run_command

COMMANDS = {"install": install_command, "check": check_command}
SENTENCES = {
    "install": "Makes in EspoCRM what is missing: entities, fields, links, role, API user, scheduled job, webhooks.",
    "check": "Compares an EspoCRM with what is needed, as the API user; changes nothing.",
}
EXIT_STATUS = (
    "Exit status: 0 done or as it must be; 1 not wholly done, or differences; 2 wrong call or variable; "
    "3 EspoCRM is away; 4 refused or declined; 70 a bug of ours."
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m kanzlei.espocrm",
        description="Installs into an EspoCRM what the services need of it, and checks it.",
        epilog=EXIT_STATUS,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        epilog = (command.__doc__ or "").rpartition("\n\n")[2]
        command.add_arguments(
            commands.add_parser(name, help=SENTENCES[name], description=SENTENCES[name], epilog=epilog)
        )
    chosen = parser.parse_args(arguments)
    return install_command.run(chosen) if chosen.command == "install" else check_command.run(chosen)


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
