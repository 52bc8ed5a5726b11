"""Makes the stage importable for the tests beside it, and sets one up."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from proxy_stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A proxy on a real port, between a caller and a scripted Advoware."""
    async with Stage() as made:
        yield made
