"""`python -m kanzlei.keys create|list|revoke [--dry-run] [--json]`: the keys of the callers of the office's services.

A grant is `METHOD /path` of whichever service. DATABASE_URL says where. A key is shown once, when it is made.

Exit status: 0 done; 1 not done; 2 wrong call or variable; 3 PostgreSQL is away; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from kanzlei.callers.table import KeyTable, ListedKey, NewKey
from synckit.command import run_command
from synckit.errors import RemoteUnavailable, SyncError
from synckit.postgres.branch import branch_of
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_branch
from synckit.service.settings import database_url

DONE, NOT_DONE, AWAY = 0, 1, 3


PROGRAM = "python -m kanzlei.keys"


def main(arguments: Sequence[str], program: str = PROGRAM) -> int:
    """Command line."""
    chosen = _parser(program).parse_args(arguments)
    dsn = database_url()
    try:
        status, report, lines = asyncio.run(_run(dsn, chosen))
    except SyncError as error:
        maybe = isinstance(error, RemoteUnavailable) and error.maybe_applied
        sys.stderr.write(f"{error}{' (it may have been done: see `list`)' if maybe else ''}\n")
        return AWAY if isinstance(error, RemoteUnavailable) else NOT_DONE
    text = json.dumps(report, indent=2) if chosen.json else "\n".join(lines)
    sys.stdout.write(f"{text}\n" if text else "")
    return status


Told = tuple[int, dict[str, Any], list[str]]


async def _run(dsn: str, chosen: argparse.Namespace) -> Told:
    pool = PostgresPool(dsn, limits=PoolLimits(size=1), application_name="office-keys")
    try:
        await ensure_branch(pool, branch_of("kanzlei"))
        table = KeyTable(pool)
        if chosen.command == "create":
            return await _create(table, chosen)
        if chosen.command == "revoke":
            return await _revoke(table, chosen)
        keys = await table.all()
        return DONE, {"keys": [key.as_json() for key in keys]}, [line for key in keys for line in _lines(key)]
    finally:
        await pool.close()


async def _create(table: KeyTable, chosen: argparse.Namespace) -> Told:
    key_id, secret = new_secret()
    expires_at = datetime.now(UTC) + timedelta(days=chosen.days) if chosen.days else None
    rate = Rate(chosen.per_minute, chosen.burst)
    caller = Caller(key_id, digest_of(secret), tuple(chosen.grant), rate, expires_at)
    report: dict[str, Any] = {
        "dry_run": chosen.dry_run,
        "name": chosen.name,
        "grants": [str(one) for one in chosen.grant],
    }
    if chosen.dry_run:
        return DONE, report, [f"would create a key for {chosen.name}:", *(f"  {one}" for one in chosen.grant)]
    await table.add(NewKey(caller, chosen.name))
    report |= {"key_id": key_id, "key": f"{key_id}.{secret}"}
    return DONE, report, [f"{key_id}.{secret}", "It is shown this once. Services know it within seconds."]


async def _revoke(table: KeyTable, chosen: argparse.Namespace) -> Told:
    report: dict[str, Any] = {"dry_run": chosen.dry_run, "key_id": chosen.key_id}
    alive = {key.key_id for key in await table.all() if key.revoked_at is None}
    if chosen.key_id not in alive:
        return NOT_DONE, {**report, "revoked": False}, [f"no live key {chosen.key_id}"]
    if chosen.dry_run:
        return DONE, {**report, "revoked": False}, [f"would revoke {chosen.key_id}"]
    done = await table.revoke(chosen.key_id)
    return DONE if done else NOT_DONE, {**report, "revoked": done}, [f"revoked {chosen.key_id}, within seconds"]


def _lines(key: ListedKey) -> list[str]:
    state = "revoked" if key.revoked_at else "live"
    until = f" until {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
    head = f"{key.key_id}  {state:<8} {key.rate.per_minute}/min, {key.rate.burst} at once{until}  {key.name}"
    return [head, *(f"    {grant}" for grant in key.grants)]


def _grant(text: str) -> Grant:
    try:
        return Grant.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("a number from 1 to 100000")
    return int(text)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Keys of the callers of the office's services.",
        epilog=__doc__.rpartition("\n\n")[2],
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="the report as JSON")
    changing = argparse.ArgumentParser(add_help=False)
    changing.add_argument("--dry-run", action="store_true", help="say what would be done")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", parents=[shared, changing], help="make a key and show it")
    create.add_argument("--name", required=True, help="whose key it is, for people")
    create.add_argument(
        "--grant",
        type=_grant,
        action="append",
        required=True,
        help="e.g. 'GET,PUT /Beteiligte/:id' (the proxy's), 'POST /advoware/calendar/sync'; as often as needed",
    )
    create.add_argument("--per-minute", type=_positive, default=600, help="calls a minute (600)")
    create.add_argument("--burst", type=_positive, default=50, help="calls at once after a pause (50)")
    create.add_argument("--days", type=_positive, help="days until it expires; without: never")
    commands.add_parser("list", parents=[shared], help="all keys, the revoked ones as well")
    revoke = commands.add_parser("revoke", parents=[shared, changing], help="end a key")
    revoke.add_argument("key_id", help="the part of the key before its dot")
    return parser


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
