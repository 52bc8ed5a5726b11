"""The same steps of a POST under a key over the fake and over PostgreSQL: claimed, sent, answered."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from fake_replies import CLAIM_SECONDS, FakeReplies

from advoware_proxy.adapters.replies import CLAIMED, PostgresReplies
from advoware_proxy.domain.calls import KeptReply
from advoware_proxy.handlers.ports import Claim, Claimed, Replies
from deploy.local.backends import LazyBackends
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.testing.clock import FakeClock

DAY = 86400.0
FIRST = KeptReply(201, {"Etag": '"1"'}, b'{"betNr": 1}\x00')
PATIENT = PoolLimits(connect=60, acquire=60, statement=60, command=60)


@dataclass
class Table:
    """Replies whose time a test can let pass."""

    replies: Replies
    clock: FakeClock | None = None
    pool: PostgresPool | None = None
    request_key: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    def by(self, key_id: str = "k1", fingerprint: bytes = b"same") -> Claim:
        """A claim of a call of its own."""
        return Claim(key_id, self.request_key, fingerprint, str(uuid.uuid4()))

    async def passes(self, seconds: float) -> None:
        if self.clock:
            self.clock.advance(seconds)
        if self.pool:
            await self.pool.fetch(
                "UPDATE proxy_idempotency SET expires_at = expires_at - $1::interval", timedelta(seconds=seconds)
            )


@pytest.fixture(scope="module")
def database(backends: LazyBackends) -> str:
    url = backends.create_database(f"replies_{uuid.uuid4().hex[:8]}")
    migrate = [sys.executable, "-m", "synckit.postgres.migrate", "apply"]
    done = subprocess.run(migrate, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return url


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.stack)])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Table]:
    if request.param == "fake":
        clock = FakeClock()
        yield Table(FakeReplies(clock), clock)
        return
    pool = PostgresPool(request.getfixturevalue("database"), limits=PATIENT)
    yield Table(PostgresReplies(pool, kept=timedelta(seconds=DAY)), pool=pool)
    await pool.close()


def test_fake_and_real_claims_live_alike() -> None:
    assert CLAIMED.total_seconds() == CLAIM_SECONDS


async def test_an_answer_is_kept_for_its_day(table: Table) -> None:
    claim = table.by()
    assert await table.replies.claim(claim) == Claimed("fresh")
    assert await table.replies.sending(claim)
    await table.replies.keep(claim, FIRST)
    await table.replies.release(claim)
    await table.passes(DAY - 60)
    assert await table.replies.claim(table.by()) == Claimed("kept", FIRST)
    assert (await table.replies.claim(table.by(fingerprint=b"other"))).state == "other"
    await table.passes(61)
    assert (await table.replies.claim(table.by())).state == "fresh"


async def test_an_answer_is_its_callers_alone(table: Table) -> None:
    """Also where another caller's request is the same to the byte."""
    claim, others = table.by(), table.by("k2")
    await table.replies.claim(claim)
    await table.replies.sending(claim)
    await table.replies.keep(claim, FIRST)
    assert (await table.replies.claim(others)).state == "fresh"
    assert (await table.replies.claim(table.by("k2"))).state == "busy"
    second = replace(FIRST, body=b"{}")
    await table.replies.keep(others, second)
    assert (await table.replies.claim(table.by("k2"))).reply == second
    assert (await table.replies.claim(table.by())).reply == FIRST


async def test_a_claim_of_which_nothing_was_sent_ends_in_seconds(table: Table) -> None:
    first, second = table.by(), table.by()
    await table.replies.claim(first)
    assert (await table.replies.claim(second)).state == "busy"
    await table.passes(CLAIM_SECONDS)
    assert (await table.replies.claim(second)).state == "fresh"
    assert not await table.replies.sending(first)
    await table.replies.release(first)
    await table.replies.keep(first, FIRST)
    assert await table.replies.sending(second)
    assert (await table.replies.claim(table.by())).state == "busy"


async def test_a_claim_nobody_took_may_still_be_sent(table: Table) -> None:
    claim = table.by()
    await table.replies.claim(claim)
    await table.passes(CLAIM_SECONDS)
    assert await table.replies.sending(claim)
    assert (await table.replies.claim(table.by())).state == "busy"


async def test_what_may_have_been_sent_stays_for_a_day(table: Table) -> None:
    claim = table.by()
    await table.replies.claim(claim)
    await table.replies.sending(claim)
    await table.passes(DAY - 60)
    assert (await table.replies.claim(table.by())).state == "busy"


async def test_a_released_key_is_free(table: Table) -> None:
    claim = table.by()
    await table.replies.claim(claim)
    await table.replies.release(claim)
    assert not await table.replies.sending(claim)
    assert (await table.replies.claim(table.by())).state == "fresh"
