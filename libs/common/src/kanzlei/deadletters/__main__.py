"""`python -m kanzlei.deadletters ls | show | redrive | drop`: dead letters, seen and settled by a person.

Reads KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL. `redrive` and `drop` take exactly the letters that they have just
listed; without a terminal they need --yes and --expect with their number. Exit status: 0 shown or done; 1 nothing
there; 2 wrong call or variable; 3 Kafka or PostgreSQL is away; 4 not done, or not all of it; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar

from kanzlei.deadletters.desk import Desk, Seen
from kanzlei.deadletters.letter import Selection
from kanzlei.deadletters.table import SettledLetters
from kanzlei.deadletters.words import details, document, table
from synckit.clock import SystemClock
from synckit.command import run_command
from synckit.errors import SyncError, TransientError
from synckit.kafka.publisher import KafkaPublisher
from synckit.kafka.scan import TopicScanner
from synckit.operator import whoami
from synckit.postgres.branch import branch_of
from synckit.postgres.pool import PostgresPool
from synckit.postgres.schema import ensure_branch
from synckit.service.settings import DatabaseSection, KafkaSection, ServiceSettings, load

DONE, NOTHING, USAGE, AWAY, NOT_DONE = 0, 1, 2, 3, 4
_NAME = re.compile(r"[a-z0-9.-]{1,80}/[0-9]{1,4}/[0-9]{1,18}\Z")
_AGE = re.compile(r"([0-9]{1,5})(s|m|h|d)\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Settings(ServiceSettings):
    """The same variables as the services'."""

    service: ClassVar[str] = "deadletters"
    kafka: KafkaSection
    database: DatabaseSection


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    if _would_ask_nobody(options):
        return _say("Ohne Terminal bitte mit --yes und --expect ANZAHL (oder --dry-run).", USAGE)
    logging.disable(logging.CRITICAL)
    settings = load(Settings)
    try:
        return asyncio.run(_run(options, settings))
    except TransientError as error:
        return _say(f"Nicht erreichbar: {error}", AWAY)
    except SyncError as error:
        return _say(f"Nicht getan: {error}", NOT_DONE)


def _would_ask_nobody(options: argparse.Namespace) -> bool:
    settles = options.command in ("redrive", "drop") and not options.dry_run
    return settles and not sys.stdin.isatty() and (not options.yes or options.expect is None)


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    now = SystemClock().now()
    async with _desk(settings, sends=options.command == "redrive" and not options.dry_run) as desk:
        everything = options.command == "show" or bool(getattr(options, "all", False))
        seen = await desk.see(_selection(options), now, everything=everything)
        _show(options, seen, now)
        if seen.left:
            _say(f"{seen.left} Einträge wurden in der Zeit nicht gelesen: die Liste ist nicht vollständig.", AWAY)
        if not seen.rows or options.command in ("ls", "show"):
            return AWAY if seen.left else DONE if seen.rows or options.command == "ls" else NOTHING
        return await _settle(options, desk, seen, now)


def _show(options: argparse.Namespace, seen: Seen, now: datetime) -> None:
    if options.json:
        text = json.dumps([document(row) for row in seen.rows], ensure_ascii=False, indent=2)
    elif options.command == "show":
        text = "\n\n".join(map(details, seen.rows)) or "Gibt es nicht."
    else:
        text = table(seen.rows, now)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _settle(options: argparse.Namespace, desk: Desk, seen: Seen, now: datetime) -> int:
    count = len(seen.rows)
    if options.expect is not None and options.expect != count:
        return _say(f"Es sind {count}, nicht {options.expect}: nichts getan.", NOT_DONE)
    if options.dry_run:
        return _say("Probelauf: nichts getan.", DONE)
    word = "erneut senden" if options.command == "redrive" else "verwerfen"
    if not options.yes and not _agreed(f"{count} {word}?"):
        return _say("Nichts getan.", NOT_DONE)
    if options.command == "drop":
        await desk.drop(seen.rows, whoami())
        return _say(f"{count} verworfen.", DONE)
    done = await desk.send_again(seen.rows, now, whoami(), lambda sent: _progress(sent, count))
    for letter, reason in done.refused:
        _say(f"{letter.name}: {reason}", NOT_DONE)
    return _say(f"{done.sent} erneut gesendet.", NOT_DONE if done.refused else DONE)


@asynccontextmanager
async def _desk(settings: Settings, *, sends: bool) -> AsyncIterator[Desk]:
    """Closes what it opened."""
    access = settings.kafka.access
    pool = PostgresPool(settings.database.url.get_secret_value(), application_name=settings.service)
    publisher = KafkaPublisher(access, client_id=settings.service)
    try:
        await ensure_branch(pool, branch_of("kanzlei"))
        if sends:
            await publisher.start()
        yield Desk(TopicScanner(access, client_id=settings.service), publisher, SettledLetters(pool))
    finally:
        if sends:
            await publisher.stop()
        await pool.close()


def _selection(options: argparse.Namespace) -> Selection:
    return Selection(
        topic=options.topic,
        reason=options.reason,
        key=options.key,
        older_than=options.older_than,
        younger_than=options.younger_than,
        names=frozenset(options.letters),
    )


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [j/N] ").strip().lower() in ("j", "ja", "y", "yes")
    except EOFError:
        return False


def _progress(sent: int, count: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{sent} von {count}{chr(10) if sent == count else ''}")


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status


def _age(text: str) -> timedelta:
    found = _AGE.match(text)
    if found is None:
        raise argparse.ArgumentTypeError("an age is a number with s, m, h or d: 90m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _letter(text: str) -> str:
    if not _NAME.match(text):
        raise argparse.ArgumentTypeError("a letter is TOPIC/PARTITION/OFFSET, as `ls` shows it")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kanzlei.deadletters", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("ls", "list the open ones"),
        ("show", "all that is known of some"),
        ("redrive", "send them again, in their original order"),
        ("drop", "settle them without sending"),
    ):
        one = commands.add_parser(name, help=purpose, description=purpose)
        one.add_argument(
            "letters", nargs="+" if name == "show" else "*", type=_letter, metavar="TOPIC/PARTITION/OFFSET"
        )
        one.add_argument("--topic", default="", help="the topic, with or without .dlq")
        one.add_argument("--reason", default="", help="as `ls` shows it: bug, invalid_event …")
        one.add_argument("--key", default="", help="the record's id")
        one.add_argument("--older-than", type=_age, metavar="AGE", help="90m, 12h, 3d")
        one.add_argument("--younger-than", type=_age, metavar="AGE")
        one.add_argument("--json", action="store_true", help="for programs")
        if name == "ls":
            one.add_argument("--all", action="store_true", help="overtaken and settled ones too")
        if name in ("redrive", "drop"):
            one.add_argument("--dry-run", action="store_true", help="list them, do nothing")
            one.add_argument("--yes", action="store_true", help="do not ask")
            one.add_argument("--expect", type=int, metavar="N", help="do it only if there are exactly so many")
    return parser


if __name__ == "__main__":
    run_command(main)
