"""`python -m synckit.kafka check|apply`: compares a cluster with `topics.yaml` and creates what is missing.

`acls` prints the rights of `acls.yaml` as commands of Kafka's own tools, `grant` grants them. How a cluster is entered
is in KAFKA_SECURITY_PROTOCOL and its like, as for every service.

Exit status: 0 in step; 1 differences (left); 2 wrong usage, file or variable; 3 no broker answers; 4 the broker
refuses; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from synckit.command import run_command
from synckit.connection_url import check_brokers
from synckit.errors import SyncError, TransientError
from synckit.kafka.access import AccessError, KafkaAccess, access_from
from synckit.kafka.acls import ACLS_FILE, commands, parse_acls
from synckit.kafka.admin import topic_admin
from synckit.kafka.declaration import DeclarationError, Difference, Remedy, Topic, compare, parse
from synckit.kafka.grant import grant

IN_STEP, DIFFERENT, WRONG, AWAY, REFUSED = 0, 1, 2, 3, 4
DEFAULT_FILE = "deploy/kafka/topics.yaml"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        declared = _declared(Path(options.file))
        if not options.bootstrap:
            raise DeclarationError("KAFKA_BOOTSTRAP_SERVERS is not set and --bootstrap is not given")
        _check(options.bootstrap)
        if options.command in ("acls", "grant"):
            return _rights(options, declared)
        differences, left = asyncio.run(_run(options, access_from(os.environ, options.bootstrap), declared))
    except (DeclarationError, AccessError, SyncError) as error:
        print(f"synckit.kafka: {error}", file=sys.stderr)  # noqa: T201
        return _status(error)
    _tell(options, differences, left)
    return DIFFERENT if left else IN_STEP


def _rights(options: argparse.Namespace, declared: Mapping[str, Topic]) -> int:
    if "{}" not in options.principal:
        raise DeclarationError("--principal needs {} where the user's name belongs")
    rights = parse_acls(_read(Path(options.acls)), declared.keys())
    if options.command == "grant" and not options.dry_run:
        asyncio.run(grant(access_from(os.environ, options.bootstrap), rights, options.principal))
        print(f"granted: {len(rights)} rights of {len({right.user for right in rights})} users")  # noqa: T201
        return IN_STEP
    for line in commands(rights, options.principal, options.bootstrap):
        print(line)  # noqa: T201
    return IN_STEP


def _check(bootstrap: str) -> None:
    try:
        check_brokers(bootstrap)
    except ValueError as error:
        raise DeclarationError(f"KAFKA_BOOTSTRAP_SERVERS or --bootstrap {error}") from None


def _status(error: Exception) -> int:
    if isinstance(error, TransientError):
        return AWAY
    return REFUSED if isinstance(error, SyncError) else WRONG


async def _run(
    options: argparse.Namespace, access: KafkaAccess, declared: Mapping[str, Topic]
) -> tuple[list[Difference], list[Difference]]:
    """What differed, and what still differs."""
    async with topic_admin(access) as admin:
        differences = compare(declared, await admin.found(declared.keys()))
        if options.command == "check" or options.dry_run or not differences:
            return differences, differences
        await admin.apply(differences, declared)
        return differences, [one for one in differences if one.remedy is Remedy.REFUSE]


def _tell(options: argparse.Namespace, differences: Sequence[Difference], left: Sequence[Difference]) -> None:
    if options.json:
        lines = [{**asdict(one), "remedy": one.remedy.value, "done": one not in left} for one in differences]
        print(json.dumps({"in_step": not left, "differences": lines}, indent=2))  # noqa: T201
        return
    for one in differences:
        done = options.command == "apply" and one not in left
        word = "done" if done else "would" if options.command == "apply" and options.dry_run else "differs"
        print(f"{word:8}{one.remedy.value:16}{one}")  # noqa: T201
    if not left:
        print("in step")  # noqa: T201


def _declared(file: Path) -> dict[str, Topic]:
    factor = os.environ.get("KAFKA_REPLICATION_FACTOR") or "1"
    if not factor.isdigit():
        raise DeclarationError("KAFKA_REPLICATION_FACTOR is not a number")
    return parse(_read(file), int(factor))


def _read(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"{file}: {error.strerror} (run it where the repository is, or give --file)") from None
    except yaml.YAMLError:
        raise DeclarationError(f"{file}: not YAML") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synckit.kafka", description="Topics as declared.", epilog=__doc__.partition("\n\n")[2]
    )
    parser.add_argument("command", choices=("check", "apply", "acls", "grant"))
    parser.add_argument("--file", default=DEFAULT_FILE, help=f"the declaration (default: {DEFAULT_FILE})")
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", ""), help="host:port,…")
    parser.add_argument("--acls", default=ACLS_FILE, help=f"the rights (default: {ACLS_FILE})")
    parser.add_argument("--principal", default="User:{}", help="acls, grant: a user's name in Kafka, e.g. User:CN={}")
    parser.add_argument("--dry-run", action="store_true", help="apply, grant: say what would be done")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    run_command(main)
