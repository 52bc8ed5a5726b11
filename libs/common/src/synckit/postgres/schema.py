"""Whether this code can work with the schema that is there: a service refuses to start on any other.

It runs on its own revision and on every newer one whose schema still names this code or older (`oldest_code`): so a new
schema can be there before the new services are, and one service does not stop another.
"""

from __future__ import annotations

from synckit.errors import PermanentError
from synckit.postgres.branch import Branch, records
from synckit.postgres.pool import PostgresPool

SCHEMA_REVISION = "0005"
COMMAND = "python -m synckit.postgres.migrate apply"
WINDOW = "schema_window"
"""Table with the one row `oldest_code`. Where there is none, the schema is for code of its own revision."""


class SchemaMismatch(PermanentError):
    """The database holds a schema that this code can't work with; the message has the command."""

    code = "schema_mismatch"


async def ensure_schema(pool: PostgresPool) -> None:
    """SchemaMismatch where `public` is not what this code needs; RemoteUnavailable where the database is away.

    Also reads the key of the journal's hashes, so that the first commit need not.
    """
    await ensure_branch(pool, records())
    await pool.hash_key()


async def ensure_branch(pool: PostgresPool, branch: Branch) -> None:
    """The same for a branch of a service's own."""
    found = await _revision(pool, branch)
    if found < branch.needed:
        raise SchemaMismatch(
            f"{_named(branch)} is {found or 'empty'}, this code needs {branch.needed}: run `{COMMAND}`"
        )
    if found > branch.head:
        oldest = await _oldest_code(pool, branch) or found
        if oldest > branch.head:
            raise SchemaMismatch(
                f"{_named(branch)} is {found} and takes code from {oldest} on, this code is {branch.head}: "
                f"start newer code; what is there says `{COMMAND.removesuffix('apply')}check` of that code"
            )


def _named(branch: Branch) -> str:
    return f"database schema {branch.prefix.removesuffix('.')}".rstrip()


async def _revision(pool: PostgresPool, branch: Branch) -> str:
    return await _told(pool, f"{branch.prefix}alembic_version", "version_num")


async def _oldest_code(pool: PostgresPool, branch: Branch) -> str:
    return await _told(pool, f"{branch.prefix}{WINDOW}", "oldest_code")


async def _told(pool: PostgresPool, table: str, column: str) -> str:
    """Both names are our own: a schema's is a plain identifier."""
    if await pool.fetch_value(f"SELECT to_regclass('{table}') IS NULL"):
        return ""
    return str(await pool.fetch_value(f"SELECT {column} FROM {table}") or "")  # noqa: S608
