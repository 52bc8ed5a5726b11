"""By hand, whoever else ticks: `python -m ticker run-once all` (all looks, now) and `… prune`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from kanzlei.consultations import PART as CONSULTATIONS
from synckit import clamps
from synckit.errors import SyncError, TransientError
from synckit.events import key_of
from synckit.service.service import version_of
from ticker.calendar import CALENDAR, CalendarRound
from ticker.domain.entities import WATCHED
from ticker.handlers import ByCursor, Duty, Emitter, Look, Told

FAILED, USAGE, AWAY = 1, 2, 3
PRUNE = "prune"
ALL = "all"
STATUS = (
    "Exit status: 0 asked to end, or done; 1 it can't go on, or failed; 2 wrong call or variable; 3 a server is away; "
    "70 a bug of ours."
)


def parser() -> argparse.ArgumentParser:
    """Without a command it is the service."""
    made = argparse.ArgumentParser(
        prog="python -m ticker", description="Looks for what webhooks did not tell.", epilog=STATUS
    )
    made.add_argument("--version", action="version", version=version_of("ticker"))
    commands = made.add_subparsers(dest="command")
    once = commands.add_parser("run-once", help="all looks, now: of all nouns, or of one")
    once.add_argument("entity", choices=[ALL, CALENDAR, CONSULTATIONS, *(watched.entity for watched in WATCHED)])
    once.add_argument("--dry-run", action="store_true", help="say what would be emitted; move no cursor")
    once.add_argument("--employee", type=employee, metavar="KÜRZEL", help="this one calendar alone")
    once.add_argument("--since", type=moment, metavar="DAY", help="changes since 2026-01-31, not since the last look")
    old = commands.add_parser(PRUNE, help="remove bookkeeping that has had its time, now")
    old.add_argument("--dry-run", action="store_true", help="say how many rows would go")
    old.add_argument("--after-leap", action="store_true", help="the database's time is right although it leapt")
    for command in (once, old):
        command.add_argument("--json", action="store_true", help="the report as JSON")
    return made


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends with 2 where `--employee` is asked of anything but calendars."""
    made = parser()
    chosen = made.parse_args(arguments)
    if getattr(chosen, "employee", None) and chosen.entity != CALENDAR:
        made.error(f"--employee belongs to run-once {CALENDAR}")
    return chosen


def moment(text: str) -> datetime:
    """A day or a moment; without a zone it is UTC."""
    at = clamps.moment(text)
    if at is None:
        raise argparse.ArgumentTypeError("a day like 2026-01-31 is wanted")
    return at


def employee(text: str) -> str:
    """A Kürzel that makes a key."""
    try:
        key_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a Kürzel is wanted: {error}") from None
    return text


def ask_by_hand(looks: Sequence[Look], kuerzel: str | None) -> list[Look]:
    """Calendars are synced at once where a person asks: all of them, or one."""
    return [look.by_hand(kuerzel) if isinstance(look, CalendarRound) else look for look in looks]


def chosen_of(looks: Sequence[Look], entity: str) -> list[Look]:
    """`entity` is a noun, or `all`."""
    return [look for look in looks if entity in (ALL, look.entity)]


def look_back(looks: Sequence[Look], since: datetime | None) -> None:
    """For those looks that have a cursor. It is not moved back."""
    for look in looks:
        if since is not None and isinstance(look, ByCursor):
            look.look_back_to(since)


async def run_once(looks: Sequence[Look], emitter: Emitter, *, dry_run: bool, as_json: bool) -> int:
    """Each look, also where one fails. The exit status is that of the worst."""
    told: list[Told] = []
    failed: dict[str, str] = {}
    status = 0
    for look in looks:
        try:
            told.append(await emitter.carry_out(look, dry_run=dry_run))
        except SyncError as error:
            failed[f"{look.entity}.{look.name}"] = str(error)
            status = max(status, status_of(error))
    sys.stdout.write(_json(told, failed, dry_run) if as_json else _lines(told, failed, dry_run))
    return status


def status_of(error: SyncError) -> int:
    """Whether trying again later is all that is needed."""
    return AWAY if isinstance(error, TransientError) else FAILED


async def prune(duty: Duty, *, dry_run: bool, as_json: bool) -> int:
    """SyncError where the database is away."""
    rows = await duty.carry_out(dry_run=dry_run)
    verb = "would go" if dry_run else "gone"
    lines = "".join(f"{table:<16} {count:>7} rows {verb}\n" for table, count in rows.items())
    sys.stdout.write(json.dumps({"dry_run": dry_run, "rows": dict(rows)}, indent=2) + "\n" if as_json else lines)
    return 0


async def in_order(starting: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """The service's own start, without its ports."""
    for step in starting:
        await step()


def _json(told: Sequence[Told], failed: dict[str, str], dry_run: bool) -> str:
    report = {"dry_run": dry_run, "looks": [asdict(one) for one in told], "failed": failed}
    return json.dumps(report, indent=2) + "\n"


def _lines(told: Sequence[Told], failed: dict[str, str], dry_run: bool) -> str:
    verb = "would emit" if dry_run else "emitted"
    lines = [
        f"{one.entity + '.' + one.look:<30} {one.seen:>7} seen"
        f" {one.emitted:>7} {verb}{' (cut short)' if one.capped else ''}"
        for one in told
    ]
    return "\n".join([*lines, *(f"{name:<30} failed: {error}" for name, error in failed.items())]) + "\n"
