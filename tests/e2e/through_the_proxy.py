"""Calls through the Advoware proxy with planted client data wherever a caller can put some."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from demo import people
from deploy.local.addresses import Addresses

GRANTS = ("GET /Beteiligte", "GET /Beteiligte/:id", "POST /Beteiligte/:id/Kommunikationen")
PATTERNS = ("/Beteiligte", "/Beteiligte/:id/Kommunikationen")
UNKNOWN_SECRET = "k0000000000aa.Kuckucksei-Kuckucksei-Kuckucksei-Kuckucksei"
REQUEST_KEY = f"anruf-{people.OLD_IBAN}"


@dataclass(frozen=True)
class Called:
    """The key that was used, and how each call was answered."""

    key: str
    statuses: Sequence[int]


def made_key(here: Addresses) -> str:
    words = [word for grant in GRANTS for word in ("--grant", grant)]
    made = subprocess.run(
        [sys.executable, "-m", "advoware_proxy.keys", "create", "--name", "canary", *words, "--json"],
        env={**os.environ, "DATABASE_URL": here.database_url},
        capture_output=True,
        text=True,
        check=True,
    )
    return str(json.loads(made.stdout)["key"])


async def call(here: Addresses, bet_nr: int) -> Called:
    """A search by name, a phone number posted twice under one request key, and three that are refused."""
    key = made_key(here)
    row = {"kommKz": 1, "tlf": people.TYPED_PHONE, "bemerkung": people.PHONE_TEXT, "online": False}
    posted = {"path": f"/Beteiligte/{bet_nr}/Kommunikationen"}
    with_key = {"Authorization": f"Bearer {key}", "User-Agent": people.PERSON.last}
    once = {**with_key, "Idempotency-Key": REQUEST_KEY}
    calls: Sequence[tuple[str, dict[str, str], dict[str, str], Any]] = (
        ("GET", {"path": "/Beteiligte", "name": people.PERSON.last}, with_key, None),
        ("POST", posted, once, row),
        ("POST", posted, once, row),
        ("GET", {"path": f"/Akten/{people.PERSON.last}"}, with_key, None),
        ("GET", {"path": f"//{people.NEW_IBAN}/../{people.PERSON.first}"}, with_key, None),
        ("GET", {"path": f"/{people.PERSON.last}"}, {"Authorization": f"Bearer {UNKNOWN_SECRET}"}, None),
    )
    statuses = []
    async with aiohttp.ClientSession() as session:
        for method, params, headers, body in calls:
            url = f"{here.services['advoware-proxy']}/advoware/proxy"
            async with session.request(method, url, params=params, headers=headers, json=body) as answer:
                statuses.append(answer.status)
    return Called(key, statuses)
