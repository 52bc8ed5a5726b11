"""Schemas of several owners in one database: each migrates alone, and what was there before stays as it is."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.backends import LazyBackends
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, recognise
from kanzlei.callers.table import KeyTable, NewKey, PostgresCallers
from recordsync.postgres.links import PostgresLinkStore
from recordsync.postgres.sweep import PostgresSweepStore
from synckit.clock import SystemClock
from synckit.postgres.branch import Branch, NoMigrations, branch_of, branches, records
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import SchemaMismatch, ensure_branch, ensure_schema

pytestmark = pytest.mark.stack
DUMP = Path(__file__).parent / "dumps" / "public_0005.sql"
"""By pg_dump, of December 2026: records that are linked, parked, held, half created, half written; keys of callers."""
MIGRATE = [sys.executable, "-m", "synckit.postgres"]
PATIENT = PoolLimits(size=2, connect=60.0, acquire=60.0, statement=60.0, command=60.0)
SHAPE = """
SELECT c.relname || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull AS told
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace
ORDER BY told
"""
STEP = '''"""A step."""

from alembic import op

revision = "{revision}"
kind = "{kind}"
{oldest}
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("{sql}")
'''


@pytest.fixture
def database(backends: LazyBackends) -> Iterator[str]:
    name = f"branches_{uuid.uuid4().hex[:8]}"
    yield backends.create_database(name)
    backends.drop_database(name)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A service of nobody's, with one table: its package can be imported from here."""
    folder = tmp_path / "ledger" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "ledger" / "__init__.py").write_text('raise RuntimeError("never imported by the command")\n')
    (folder / "__init__.py").write_text('"""Its tables."""\n\nSCHEMA = "ledger_book"\n')
    add(folder, "0001", "CREATE TABLE page (id int PRIMARY KEY, old text)")
    return tmp_path


def add(folder: Path, revision: str, sql: str, kind: str = "expand", oldest: str = "") -> None:
    before = f'"{int(revision) - 1:04}"' if int(revision) > 1 else "None"
    named = f'oldest_code = "{oldest}"' if oldest else ""
    text = STEP.format(revision=revision, kind=kind, oldest=named, before=before, sql=sql)
    (folder / f"{revision}_step.py").write_text(text)


def run(url: str, *words: str, path: Path | None = None) -> tuple[int, str, str]:
    environment = {**os.environ, "DATABASE_URL": url, **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run([*MIGRATE, *words], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def told(answer: tuple[int, str, str]) -> dict[str, dict[str, object]]:
    assert answer[1], answer
    return {each["service"]: each for each in json.loads(answer[1])["branches"]}


async def everything(connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """Shape and rows of `public`, as text."""
    found = [row["told"] for row in await connection.fetch(SHAPE)]
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    for table in tables:
        rows = await connection.fetch(f'SELECT t::text AS told FROM public."{table[0]}" t')  # noqa: S608 - our names
        found += sorted(f"{table[0]} {row['told']}" for row in rows)
    return found


async def test_what_exists_stays_as_it_is_and_works(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(DUMP.read_text(encoding="utf-8"))
    before = await everything(connection)
    code, said, error = await asyncio.to_thread(run, database, "migrate")
    assert (code, error) == (0, ""), said
    assert "schema is 0005 (nothing to do)" in said
    assert "schema office is 0002 (applied 0001, 0002)" in said
    assert await everything(connection) == before
    assert any("proxy_key" in each for each in before)
    await connection.close()
    pool = PostgresPool(database, limits=PATIENT)
    try:
        await ensure_schema(pool)
        links = PostgresLinkStore(pool, "beteiligte")
        linked, half_written, parked, held, half_made, gone = [await links.load(f"p{i}") for i in range(1, 7)]
        assert linked.link is not None
        assert (linked.link.right_id, linked.base.left["ort"]) == ("101", "Köln")
        assert [each.field for each in half_written.attempted] == ["plz"]
        assert [each.cause for each in half_written.pending] == ["conflict:plz"]
        assert parked.parked is not None
        assert (parked.parked.reason, parked.parked.attempts) == ("remote_unavailable", 2)
        assert held.parked is not None
        assert held.parked.reason == "brake"
        assert half_made.intent is not None
        assert gone.link is not None
        assert gone.link.tombstone == "right_gone"
        assert await PostgresSweepStore(pool, "beteiligte").cursor("beteiligte:modified") == "2026-11-30T11:55:00Z"
        callers = await PostgresCallers(pool, SystemClock(), seconds=5).known()
        assert recognise(f"k0123456789ab.{'A' * 43}", callers, SystemClock().now()) is not None
        assert recognise(f"kffffffffffff.{'B' * 43}", callers, SystemClock().now()) is None
        await _a_proxy_of_before_shares_the_keys(pool)
    finally:
        await pool.close()


async def _a_proxy_of_before_shares_the_keys(pool: PostgresPool) -> None:
    """It reads and writes `proxy_key` in `public`; what either side makes or ends, the other one knows."""
    made = Caller("k00000000000a", digest_of("C" * 43), (Grant.parse("POST /advoware/calendar/sync"),), Rate(60, 5))
    await KeyTable(pool).add(NewKey(made, "Calendar button"))
    row = (await pool.fetch("SELECT name, grants FROM public.proxy_key WHERE key_id = $1", made.key_id))[0]
    assert (row["name"], "/advoware/calendar/sync" in row["grants"]) == ("Calendar button", True)
    end = "UPDATE public.proxy_key SET revoked_at = now() WHERE key_id = $1"
    await pool.fetch(end, made.key_id, writes=True)
    assert made.key_id not in await PostgresCallers(pool, SystemClock(), seconds=5).known()
    assert await KeyTable(pool).revoke("k0123456789ab")
    assert await pool.fetch_value("SELECT count(*) FROM public.proxy_key WHERE revoked_at IS NULL") == 0


async def test_the_offices_keys_come_after_what_they_need(database: str) -> None:
    code, said, error = await asyncio.to_thread(run, database, "migrate", "--service", "kanzlei")
    assert (code, error) == (0, ""), said
    assert "schema is 0005" in said
    assert "schema office is 0002 (applied 0001, 0002)" in said


async def test_a_service_migrates_alone_into_its_own_schema(database: str, ledger: Path) -> None:
    code, said, error = await asyncio.to_thread(run, database, "migrate", "--service", "ledger", path=ledger)
    assert (code, error) == (0, ""), said
    assert said == "schema ledger_book is 0001 (applied 0001)\n"
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT version_num FROM ledger_book.alembic_version") == "0001"
    assert await connection.fetchval("SELECT count(*) FROM ledger_book.page") == 0
    assert await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None
    await connection.close()
    found = told(await asyncio.to_thread(run, database, "status", "--json", path=ledger))
    assert found["ledger"] == {
        "service": "ledger",
        "schema": "ledger_book",
        "current": "0001",
        "head": "0001",
        "oldest_code": "0001",
        "pending": [],
        "refused": [],
        "ok": True,
    }
    assert found["public"]["ok"] is False
    assert (await asyncio.to_thread(run, database, "migrate", path=ledger))[0] == 0
    found = told(await asyncio.to_thread(run, database, "status", "--json", path=ledger))
    assert all(each["ok"] for each in found.values())
    assert (await asyncio.to_thread(run, database, "check", path=ledger))[0] == 0


def test_an_unknown_service_is_named_with_those_there_are(database: str) -> None:
    code, _, said = run(database, "migrate", "--service", "nobody")
    assert code == 2
    assert "public" in said


async def test_a_contract_is_refused_without_its_word(database: str, ledger: Path) -> None:
    folder = ledger / "ledger" / "migrations"
    add(folder, "0002", "ALTER TABLE page ADD COLUMN new text")
    add(folder, "0003", "ALTER TABLE page DROP COLUMN old", "contract", "0002")
    code, said, error = await asyncio.to_thread(run, database, "migrate", "--service", "ledger", path=ledger)
    assert code == 1
    assert "applied 0001, 0002" in said
    assert "0003 refused" in error
    assert "--forward-only" in error
    found = told(await asyncio.to_thread(run, database, "status", "--service", "ledger", "--json", path=ledger))
    assert (found["ledger"]["current"], found["ledger"]["oldest_code"], found["ledger"]["ok"]) == ("0002", "0001", True)
    planned = (await asyncio.to_thread(run, database, "migrate", "--service", "ledger", "--dry-run", path=ledger))[1]
    assert "DROP COLUMN" not in planned
    words = ("migrate", "--service", "ledger-book", "--forward-only")
    assert (await asyncio.to_thread(run, database, *words, path=ledger))[0] == 2
    words = ("migrate", "--service", "ledger", "--forward-only")
    assert (await asyncio.to_thread(run, database, *words, path=ledger))[0] == 0
    found = told(await asyncio.to_thread(run, database, "status", "--service", "ledger", "--json", path=ledger))
    assert (found["ledger"]["current"], found["ledger"]["oldest_code"]) == ("0003", "0002")


def with_steps(folder: Path, last: str) -> Branch:
    """The branch as code of that revision brings it along."""
    made = folder.parent / f"code-{last}"
    made.mkdir()
    for file in folder.glob("0*.py"):
        if file.name[:4] <= last:
            (made / file.name).write_text(file.read_text())
    return Branch("ledger", "ledger_book", made)


async def test_code_runs_from_its_own_revision_to_the_oldest_named(database: str, ledger: Path) -> None:
    folder = ledger / "ledger" / "migrations"
    add(folder, "0002", "ALTER TABLE page ADD COLUMN new text")
    add(folder, "0003", "ALTER TABLE page DROP COLUMN old", "contract", "0002")
    codes = {last: with_steps(folder, last) for last in ("0001", "0002", "0003")}
    pool = PostgresPool(database, limits=PATIENT)

    async def running() -> list[str]:
        outcomes = [await asyncio.gather(ensure_branch(pool, one), return_exceptions=True) for one in codes.values()]
        refused = [str(each[0]) for each in outcomes if isinstance(each[0], SchemaMismatch)]
        assert all("python -m synckit" in text and "ledger_book" in text for text in refused), refused
        return [last for last, each in zip(codes, outcomes, strict=True) if each[0] is None]

    words = ("migrate", "--service", "ledger")
    try:
        assert await running() == []
        await asyncio.to_thread(run, database, *words, path=ledger)
        assert await running() == ["0001", "0002", "0003"]
        await asyncio.to_thread(run, database, *words, "--forward-only", path=ledger)
        assert await running() == ["0002", "0003"]
    finally:
        await pool.close()


async def test_older_code_leaves_a_newer_schema_alone(database: str, ledger: Path) -> None:
    folder = ledger / "ledger" / "migrations"
    add(folder, "0002", "ALTER TABLE page ADD COLUMN new text")
    await asyncio.to_thread(run, database, "migrate", path=ledger)
    (folder / "0002_step.py").unlink()
    code, said, error = await asyncio.to_thread(run, database, "migrate", path=ledger)
    assert (code, error) == (0, ""), said
    assert "schema ledger_book is 0002 (nothing to do)" in said
    assert "newer than this code" in (await asyncio.to_thread(run, database, "status", path=ledger))[1]


@pytest.mark.parametrize("branch", branches(), ids=lambda branch: branch.name)
def test_every_step_of_ours_says_what_it_is(branch: Branch) -> None:
    """Numbered without gaps; an expand leaves the oldest code what it was."""
    steps = branch.steps
    assert [step.revision for step in steps] == [f"{number + 1:04}" for number in range(len(steps))]
    assert branch.schema.isidentifier()


@pytest.mark.parametrize("spoilt", ['revision = "0002"', 'kind = "expand"'])
def test_a_step_that_says_too_little_is_named(ledger: Path, spoilt: str) -> None:
    folder = ledger / "ledger" / "migrations"
    add(folder, "0002", "SELECT 1")
    file = folder / "0002_step.py"
    file.write_text(file.read_text().replace(spoilt, ""))
    with pytest.raises(NoMigrations, match="0002_step"):
        assert Branch("ledger", "ledger_book", folder).steps


def test_a_contract_has_to_name_the_oldest_code(ledger: Path) -> None:
    folder = ledger / "ledger" / "migrations"
    add(folder, "0002", "SELECT 1", "contract")
    with pytest.raises(NoMigrations, match="oldest_code"):
        assert Branch("ledger", "ledger_book", folder).steps


def test_a_package_without_migrations_is_named() -> None:
    with pytest.raises(NoMigrations, match="synckit"):
        branch_of("synckit")
    with pytest.raises(NoMigrations, match="no_such_package"):
        branch_of("no_such_package")


def test_the_oldest_code_of_public_is_its_own_revision() -> None:
    """Code before it demanded equality, so no table is added there to say so."""
    assert records().oldest_code("0005") == "0005"
