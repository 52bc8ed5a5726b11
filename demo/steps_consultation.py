"""Step 28: somebody asked to be called again, and the time has come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.morning import Morning
from demo.wait import expect, until

ENTITY = "CVmhErstgespraech"
WAITING = "Warten auf neuen Anruf"


async def call_again(morning: Morning) -> str:
    """An Erstgespräch whose next call is due is Neu again; one not yet due, and one that a person took, stay."""
    due, later, taken = [await _enter(morning, minutes) for minutes in (-30, 60, -20)]
    await morning.espo.rest("PUT", f"{ENTITY}/{taken}", {"status": "In Bearbeitung"})
    began = asyncio.get_running_loop().time()

    async def is_new() -> Any:
        return (await _status(morning, due)) == "Neu" or None

    await until(is_new, "the Erstgespräch is Neu", limit=90)
    took = asyncio.get_running_loop().time() - began
    others = [await _status(morning, one) for one in (later, taken)]
    expect(others == [WAITING, "In Bearbeitung"], f"the others are {others}")
    return f"Neu after {took:.1f} s; the other two as they were"


async def _enter(morning: Morning, minutes: int) -> str:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    body = {"name": "Rückruf gewünscht", "status": WAITING, "nextCall": f"{at:%Y-%m-%d %H:%M:%S}"}
    return str((await morning.espo.rest("POST", ENTITY, body))["id"])


async def _status(morning: Morning, record_id: str) -> str:
    return str((await morning.espo.rest("GET", f"{ENTITY}/{record_id}"))["status"])
