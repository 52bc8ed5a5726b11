"""Fixture `backends`: the real Kafka, PostgreSQL and Redis, each started at its first use, once in a test session."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.backends import LazyBackends
from deploy.local.guardian import Guardian


@pytest.fixture(scope="session")
def backends() -> Iterator[LazyBackends]:
    """Shared by all tests: use topics, databases and keys of your own, and leave the servers running."""
    state_dir = Path(tempfile.mkdtemp(prefix="synckit-test-"))
    guardian = Guardian(state_dir, remove=True)
    try:
        yield LazyBackends(state_dir)
    finally:
        guardian.close()
