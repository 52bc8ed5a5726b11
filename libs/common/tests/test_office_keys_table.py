"""The keys as the database has them: one that somebody spoiled by hand takes no other with it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from kanzlei.callers.table import KeyTable, PostgresCallers
from synckit.postgres.pool import PostgresPool
from synckit.testing.clock import FakeClock

GOOD = {
    "key_id": "k0123456789ab",
    "name": "Aktenprogramm",
    "secret_sha256": bytes(32),
    "grants": '[{"methods": ["GET"], "pattern": "/Beteiligte/:id"}]',
    "per_minute": 60,
    "burst": 10,
    "created_at": FakeClock().now(),
    "expires_at": None,
    "revoked_at": None,
}
SPOILED: list[dict[str, Any]] = [
    {"grants": "null"},
    {"grants": "[]"},
    {"grants": "{}"},
    {"grants": "[1]"},
    {"grants": '[{"methods": "GET"}]'},
    {"grants": '[{"methods": ["GET"], "pattern": 7}]'},
    {"grants": '[{"methods": ["EAT"], "pattern": "/Beteiligte"}]'},
    {"per_minute": 0},
    {"burst": -1},
]


class Rows:
    """A pool that answers what a test wrote down."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    async def fetch(self, *_: Any, **__: Any) -> tuple[dict[str, Any], ...]:
        return self.rows


@pytest.mark.parametrize("wrong", SPOILED)
async def test_a_spoiled_key_takes_no_other_with_it(wrong: dict[str, Any]) -> None:
    """It is told once by its id, and nobody comes in with it."""
    clock = FakeClock()
    rows = Rows({**GOOD, "key_id": "kspoiled", **wrong}, GOOD)
    callers = PostgresCallers(cast("PostgresPool", rows), clock, seconds=5)
    with capture_logs() as logged:
        for _ in range(3):
            assert list(await callers.known()) == [GOOD["key_id"]]
            clock.advance(6)
    assert [(line["event"], line["record_id"]) for line in logged] == [("bad_key_skipped", "kspoiled")]


async def test_the_command_lists_a_spoiled_key_too() -> None:
    """Else it could not be found and revoked."""
    listed = await KeyTable(cast("PostgresPool", Rows({**GOOD, "grants": "null"}, GOOD))).all()
    assert [len(each.grants) for each in listed] == [0, 1]
