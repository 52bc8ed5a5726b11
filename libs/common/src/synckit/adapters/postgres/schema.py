"""The schema that this code speaks. A service refuses to start on another one."""

from __future__ import annotations

from synckit.adapters.postgres.pool import PostgresPool
from synckit.errors import PermanentError

SCHEMA_REVISION = "0005"
COMMAND = "python -m synckit.adapters.postgres.migrate apply"


class SchemaMismatch(PermanentError):
    """The database holds another schema than this code speaks; the message has the command."""

    code = "schema_mismatch"


async def ensure_schema(pool: PostgresPool) -> None:
    """SchemaMismatch where the database is not at `SCHEMA_REVISION`; RemoteUnavailable where it is away.

    Also reads the key of the journal's hashes, so that the first commit need not.
    """
    found = await _revision(pool)
    if found != SCHEMA_REVISION:
        raise SchemaMismatch(
            f"database schema is {found or 'empty'}, this code needs {SCHEMA_REVISION}: run `{COMMAND}`"
        )
    await pool.hash_key()


async def _revision(pool: PostgresPool) -> str:
    if await pool.fetch_value("SELECT to_regclass('alembic_version') IS NULL"):
        return ""
    return str(await pool.fetch_value("SELECT version_num FROM alembic_version") or "")
