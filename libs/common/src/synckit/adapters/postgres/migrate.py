"""Compares the database's schema with ours, or brings it there: `python -m … check|apply [--dry-run] [--json]`.

Reads DATABASE_URL.

Exit status: 0 as it should be; 1 it differs (check); 2 wrong call or variable; 3 the database is away or refuses;
70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from synckit.adapters.postgres.pool import TAKES_WRITES
from synckit.command import run_command
from synckit.connection_url import check_url

ONE_AT_A_TIME = 7_305_201_117
"""Key of the advisory lock: two jobs that start together apply once."""
LONGEST_WAIT = 60
T = TypeVar("T")
Connection = sqlalchemy.Connection


def head() -> str:
    """The newest revision that this code brings along."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def check(dsn: str) -> dict[str, Any]:
    """`{"current", "head", "pending", "ok"}`."""
    return _report(_on_database(dsn, _current))


def planned_sql(dsn: str) -> str:
    """The SQL that `apply` would run, from where the database is now."""
    return _sql_from(_on_database(dsn, _current))


def apply(dsn: str, wait: int = LONGEST_WAIT) -> dict[str, Any]:
    """All pending migrations in one transaction; answers like `check`, with what was pending before.

    `wait`: seconds for a lock, ours and those of tables: what waits for one itself keeps everybody else waiting.
    """
    return _on_database(dsn, partial(_upgrade, wait=wait))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m synckit.adapters.postgres.migrate", description=__doc__)
    parser.add_argument("command", choices=["check", "apply"])
    parser.add_argument("--dry-run", action="store_true", help="print the SQL of apply, change nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--wait", type=int, default=LONGEST_WAIT, metavar="SECONDS", help="for a lock; then exit 3")
    options = parser.parse_args(argv)
    dsn = os.environ.get("DATABASE_URL", "")
    if not dsn:
        sys.stderr.write("DATABASE_URL is not set\n")
        return 2
    try:
        check_url(dsn, ("postgresql", "postgres"))
    except ValueError as error:
        sys.stderr.write(f"DATABASE_URL: wrong: {error}\n")
        return 2
    try:
        return _run(options, dsn)
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        sqlalchemy.exc.SQLAlchemyError,
    ) as error:
        sys.stderr.write(f"the database is away or refuses: {type(error).__name__}{_state(error)}\n")
        return 3


def _run(options: argparse.Namespace, dsn: str) -> int:
    if options.command == "apply" and options.dry_run:
        sys.stdout.write(planned_sql(dsn))
        return 0
    report = apply(dsn, options.wait) if options.command == "apply" else check(dsn)
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.write(_in_words(report, options.command))
    return 0 if report["ok"] else 1


def _in_words(report: dict[str, Any], task: str) -> str:
    pending = ", ".join(report["pending"])
    if task == "apply":
        return f"schema is {report['head']}" + (f" (applied {pending})\n" if pending else " (nothing to do)\n")
    if report["ok"]:
        return f"schema is {report['head']}, as it should be\n"
    return f"schema is {report['current'] or 'empty'}, should be {report['head']}; pending: {pending or 'none known'}\n"


def _config(buffer: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=buffer) if buffer else Config()
    config.set_main_option("script_location", "synckit.adapters.postgres:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _on_database(dsn: str, task: Callable[[Connection], T]) -> T:
    async def run() -> T:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(dsn, timeout=5, target_session_attrs=TAKES_WRITES),
            poolclass=sqlalchemy.NullPool,
        )
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(task)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _current(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def _upgrade(connection: Connection, wait: int) -> dict[str, Any]:
    connection.execute(sqlalchemy.text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": f"{wait}s"})
    connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
    pending = _report(_current(connection))["pending"]
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return {**_report(_current(connection)), "pending": pending}


def _report(current: str) -> dict[str, Any]:
    scripts = ScriptDirectory.from_config(_config())
    newest = str(scripts.get_current_head())
    known = {each.revision for each in scripts.walk_revisions()}
    pending = []
    if not current or current in known:
        pending = [each.revision for each in scripts.iterate_revisions("head", current or "base")]
    return {"current": current, "head": newest, "pending": pending[::-1], "ok": current == newest}


def _sql_from(current: str) -> str:
    buffer = io.StringIO()
    command.upgrade(_config(buffer), f"{current or 'base'}:head", sql=True)
    return buffer.getvalue()


def _state(error: Exception) -> str:
    state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return f" ({state})" if state else ""


if __name__ == "__main__":
    run_command(main)
