"""One whole stack for the tests of this folder that hurt it or count its calls; the demo's is another one."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from demo.morning import FASTER, Morning, morning
from deploy.local.guardian import Guardian
from deploy.local.office import Office

QUICK = {**FASTER, "BETEILIGTE_SYNC_IN_PLACE_SECONDS": "3", "LOG_FORMAT": "json"}
"""Tries in place end after 3 s, the ticker looks every few seconds."""


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    """Everything, running and ready. Leave it so."""
    folder = Path(tempfile.mkdtemp(prefix="synckit-e2e-"))
    guardian = Guardian(folder, remove=True)
    stack = Office(folder, extra=QUICK)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        guardian.close()


@pytest.fixture
async def seen(office: Office) -> AsyncIterator[Morning]:
    """The same stack as its users see it; without faults, before and after."""
    async with morning(office, office.addresses) as shown:
        await _mend(shown)
        try:
            yield shown
        finally:
            await _mend(shown)


async def _mend(shown: Morning) -> None:
    async with aiohttp.ClientSession() as session:
        for url in (shown.espo.url, shown.advo.url):
            async with session.delete(f"{url}/_sandbox/faults") as answer:
                assert answer.status < 300
