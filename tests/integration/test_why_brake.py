"""`python -m beteiligte_sync.brake` on the real database."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime

import pytest

from recordsync.postgres.brake import PostgresBrake
from recordsync.postgres.links import PostgresLinkStore
from recordsync.testing.parking import park
from synckit.ports import BRAKED, Parked, Suspicion
from synckit.postgres.pool import PostgresPool
from synckit.reconcile.brake import BrakeLimits, Loss, Tally
from synckit.reconcile.plan import Side

pytestmark = pytest.mark.stack
LIMITS = BrakeLimits()


def command(url: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "beteiligte_sync.brake", *words],
        env={**os.environ, "DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
async def held(postgres_pool: PostgresPool) -> str:
    """A record that waits for Advoware, which is held."""
    await postgres_pool.fetch("DELETE FROM brake", writes=True)
    await postgres_pool.fetch("DELETE FROM parked WHERE reason = 'brake'", writes=True)
    entity, now = f"entity-{uuid.uuid4().hex}", datetime.now(UTC)
    ledger, links = PostgresBrake(postgres_pool, entity), PostgresLinkStore(postgres_pool, entity)
    await ledger.count(Suspicion(Side.RIGHT, "a1", Loss.GONE, now), LIMITS)
    await park(links, Parked("a1", 0, now, BRAKED, "advoware"))
    await ledger.engage(Side.RIGHT, now, Tally(lost=9), LIMITS)
    return entity


async def test_it_shows_what_is_held_and_releases_it_only_on_a_persons_word(held: str, migrated_database: str) -> None:
    code, said, _ = command(migrated_database)
    assert code == 0
    assert "Die Bremse für Advoware hält seit" in said
    assert "9 Datensätze würden etwas verlieren, erlaubt sind 5. Es warten 1." in " ".join(said.split())
    assert f"{held} a1" in said
    assert "EspoCRM: nichts angehalten." in said

    assert command(migrated_database, "release", "advoware")[0] == 2, "it asks, and there is no terminal"
    code, said, told = command(migrated_database, "release", "advoware", "--dry-run")
    assert (code, "Probelauf" in told, f"{held} a1" in said) == (0, True, True)
    assert "hält seit" in command(migrated_database)[1]

    code, said, _ = command(migrated_database, "release", "advoware", "--yes")
    assert (code, "1 Datensatz geht" in said) == (0, True)
    assert "ist freigegeben bis" in command(migrated_database)[1]


async def test_where_nothing_waits_there_is_nothing_to_release(held: str, migrated_database: str) -> None:
    code, _, told = command(migrated_database, "release", "espocrm", "--yes")
    assert (code, "Nichts freizugeben" in told) == (4, True)


def test_a_database_that_is_away_is_said() -> None:
    code, _, told = command("postgresql://nobody@127.0.0.1:1/nothing")
    assert (code, "PostgreSQL ist nicht erreichbar" in told) == (3, True)


def test_a_source_must_be_named() -> None:
    assert command("postgresql://nobody@127.0.0.1:1/nothing", "release", "--yes")[0] == 2
