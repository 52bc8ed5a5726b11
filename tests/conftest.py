"""What spans services: a migrated database and clients for the real servers."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from deploy.local.backends import LazyBackends
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.redis.locks import connect

MIGRATE = [sys.executable, "-m", "synckit.postgres.migrate"]


@pytest.fixture(scope="session")
def migrated_database(backends: LazyBackends) -> str:
    """A database of this session, brought to our schema by the command that operators use."""
    url = backends.create_database(f"contract_{uuid.uuid4().hex[:8]}")
    subprocess.run([*MIGRATE, "apply"], env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True)
    return url


@pytest.fixture
async def postgres_pool(migrated_database: str) -> AsyncIterator[PostgresPool]:
    """A pool of this test's loop."""
    pool = PostgresPool(migrated_database, limits=PoolLimits(connect=60, acquire=60, statement=60, command=60))
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
async def redis_client(backends: LazyBackends) -> AsyncIterator[Redis]:
    """A client of this test's loop; keys are the test's own."""
    client = connect(backends.redis_url)
    yield client
    await client.aclose()
