"""Fixture `backends`: the real Kafka, PostgreSQL and Redis, each started at its first use, once in a test session."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.backends import LazyBackends


@pytest.fixture(scope="session")
def backends() -> Iterator[LazyBackends]:
    """Shared by all tests: use topics, databases and keys of your own, and leave the servers running."""
    state_dir = Path(tempfile.mkdtemp(prefix="synckit-test-"))
    servers = LazyBackends(state_dir)
    try:
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(state_dir, ignore_errors=True)
