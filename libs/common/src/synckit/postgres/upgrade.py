"""Brings the branches of a database to what this code brings along, and says where they are.

Each branch in one transaction of its own, under one lock for all: two jobs that start together apply once. A branch
that is ahead of this code is left as it is.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateTable

from synckit.postgres.branch import CONTRACT, PUBLIC, Branch
from synckit.postgres.pool import TAKES_WRITES
from synckit.postgres.schema import WINDOW

ONE_AT_A_TIME = 7_305_201_117
"""Key of the advisory lock."""
LONGEST_WAIT = 60
T = TypeVar("T")
Connection = sqlalchemy.Connection


@dataclass(frozen=True, slots=True)
class Report:
    """Where a branch is. `pending` are revisions that it lacks (after an upgrade: those that it lacked before).

    `refused`: contracts among them that were or would be left out. `ok`: this code can work with it.
    """

    branch: Branch
    current: str
    oldest_code: str
    pending: tuple[str, ...]
    refused: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        branch = self.branch
        return self.current >= branch.needed and (self.current <= branch.head or self.oldest_code <= branch.head)


def status(dsn: str, chosen: Sequence[Branch]) -> list[Report]:
    """Changes nothing."""
    return _on_database(dsn, lambda connection: [_report(connection, branch) for branch in chosen])


def upgrade(
    dsn: str, chosen: Sequence[Branch], *, wait: int = LONGEST_WAIT, forward_only: bool = False
) -> list[Report]:
    """All pending steps; from the first contract on they are refused unless `forward_only`.

    `wait`: seconds for a lock, ours and those of tables: what waits for one itself keeps everybody else waiting.
    """
    return [_on_database(dsn, lambda on, of=branch: _upgrade(on, of, wait, forward_only)) for branch in chosen]  # type: ignore[misc]


def planned_sql(dsn: str, chosen: Sequence[Branch], *, forward_only: bool = False) -> str:
    """The SQL that `upgrade` would run, from where the database is now."""
    return "".join(_sql(report, forward_only=forward_only) for report in status(dsn, chosen))


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


def _upgrade(connection: Connection, branch: Branch, wait: int, forward_only: bool) -> Report:
    connection.execute(sqlalchemy.text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": f"{wait}s"})
    connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
    before = _report(connection, branch)
    target, refused = _target(before, forward_only=forward_only)
    if target:
        if branch.prefix:
            connection.execute(sqlalchemy.text(f"CREATE SCHEMA IF NOT EXISTS {branch.schema}"))
            connection.execute(sqlalchemy.text(f"SET LOCAL search_path TO {branch.schema}"))
        config = _config(branch)
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        _name_oldest_code(connection, branch, target)
    after = _report(connection, branch)
    return Report(branch, after.current, after.oldest_code, before.pending, refused)


def _target(report: Report, *, forward_only: bool) -> tuple[str, tuple[str, ...]]:
    """How far to go ("": nowhere), and what is refused."""
    steps = [step for step in report.branch.steps if step.revision in report.pending]
    contract = next((step.revision for step in steps if step.kind == CONTRACT), "")
    if not contract or forward_only:
        return (steps[-1].revision if steps else ""), ()
    before = [step.revision for step in steps if step.revision < contract]
    return (before[-1] if before else ""), tuple(step.revision for step in steps if step.revision >= contract)


def _name_oldest_code(connection: Connection, branch: Branch, revision: str) -> None:
    """The table is made when it is first needed: without it, a schema is for code of its own revision alone."""
    oldest = branch.oldest_code(revision)
    if oldest == revision and not _exists(connection, f"{branch.prefix}{WINDOW}"):
        return
    table = _table(branch, WINDOW, "oldest_code")
    connection.execute(CreateTable(table, if_not_exists=True))
    connection.execute(table.delete())
    connection.execute(table.insert().values(oldest_code=oldest))


def _report(connection: Connection, branch: Branch) -> Report:
    current = _value(connection, branch, "alembic_version", "version_num")
    oldest = _value(connection, branch, WINDOW, "oldest_code") or current
    pending = tuple(step.revision for step in branch.steps if step.revision > current)
    contract = next((step.revision for step in branch.steps if step.kind == CONTRACT and step.revision > current), "")
    refused = tuple(one for one in pending if contract and one >= contract)
    return Report(branch, current, oldest, pending, refused)


def _value(connection: Connection, branch: Branch, table: str, column: str) -> str:
    if not _exists(connection, f"{branch.prefix}{table}"):
        return ""
    return str(connection.execute(_table(branch, table, column).select()).scalar() or "")


def _table(branch: Branch, name: str, column: str) -> sqlalchemy.Table:
    schema = None if branch.schema == PUBLIC else branch.schema
    column_of_text = sqlalchemy.Column(column, sqlalchemy.Text, nullable=False)
    return sqlalchemy.Table(name, sqlalchemy.MetaData(), column_of_text, schema=schema)


def _exists(connection: Connection, table: str) -> bool:
    return connection.execute(sqlalchemy.text("SELECT to_regclass(:name)"), {"name": table}).scalar() is not None


def _config(branch: Branch, buffer: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=buffer) if buffer else Config()
    config.set_main_option("script_location", "synckit.postgres:migrations")
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(branch.folder).replace("%", "%%"))
    config.attributes["schema"] = None if branch.schema == PUBLIC else branch.schema
    return config


def _sql(report: Report, *, forward_only: bool) -> str:
    target, _ = _target(report, forward_only=forward_only)
    if not target:
        return ""
    buffer, branch = io.StringIO(), report.branch
    command.upgrade(_config(branch, buffer), f"{report.current or 'base'}:{target}", sql=True)
    made = (
        f"CREATE SCHEMA IF NOT EXISTS {branch.schema};\nSET search_path TO {branch.schema};\n" if branch.prefix else ""
    )
    return f"{made}{buffer.getvalue()}"
