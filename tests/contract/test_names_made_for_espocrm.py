"""What a record is called that we make in EspoCRM of a desk's row: EspoCRM takes it, whatever the desk has typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from recordsync.mapping.field import EntityMapping
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.reconcile.plan import Side
from synckit.testing.patience import PATIENT
from synckit.text import NAME_LENGTH, record_name

IBAN = "DE02120300000000202051"
ROWS: dict[str, tuple[EntityMapping, dict[str, Any], str]] = {
    "an account's holder with marks": (
        BANKVERBINDUNGEN,
        {"kontoinhaber": "Paula <Probe> = Käuferin", "iban": IBAN},
        "Paula Probe Käuferin, IBAN …2051",
    ),
    "an account's holder of marks alone": (BANKVERBINDUNGEN, {"kontoinhaber": "<=>"}, "Bankverbindungen"),
    "an account's holder in two lines": (BANKVERBINDUNGEN, {"kontoinhaber": "Paula\r\nProbe"}, "Paula Probe"),
    "a box with marks": (ADRESSEN, {"postfach": "12 <34>", "plz": "89073", "ort": "Ulm"}, "Postfach 12 34, 89073 Ulm"),
    "a long street and place": (
        ADRESSEN,
        {"strasse": "S" * 250, "plz": "89073", "ort": "O" * 100},
        ("S" * 250 + ", 89073 " + "O" * 100)[:NAME_LENGTH].rstrip(),
    ),
}


@pytest.fixture
async def espo() -> AsyncIterator[EspoClient]:
    async with TestClient(TestServer(build_espocrm(Settings()))) as sandbox:
        client = EspoClient(str(sandbox.make_url("")), EspoAuth(API_KEY), PATIENT)
        yield client
        await client.close()


@pytest.mark.parametrize("case", ROWS)
async def test_espocrm_takes_the_name_of_a_desks_row(espo: EspoClient, case: str) -> None:
    mapping, row, name = ROWS[case]
    body = mapping.for_left(mapping.read(Side.RIGHT, row))
    made = await EspoStore(espo, mapping.left_type).create(body)
    assert made.payload["name"] == name


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400) | st.text("<>= a\n\u200b", max_size=300))
def test_a_name_is_one_line_that_espocrm_takes(told: str) -> None:
    name = record_name(told, "Adressen")
    assert 0 < len(name) <= NAME_LENGTH
    assert not set(name) & set("<>=\n\r")
    assert name == name.strip()
    assert record_name(name, "Adressen") == name
