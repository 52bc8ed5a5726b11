"""Makes the stage importable for the tests beside it, and sets one up."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from proxy_stage import Stage

from advoware_proxy.routes import RequestLimits


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A proxy on a real port, between a caller and a scripted Advoware."""
    async with Stage() as made:
        yield made


@pytest.fixture
async def abrupt_stage() -> AsyncIterator[Stage]:
    """A proxy that waits for nobody."""
    async with Stage(limits=RequestLimits(body=4096, body_seconds=0.3), read=0.3) as made:
        yield made
