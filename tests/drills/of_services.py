"""Drills of what our own processes and servers can do: away, not ready, wrong file, full disk, another build."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.table import INGRESS, PROXY, TICKER, WORKER
from tests.drills.stage import Stage


@asynccontextmanager
async def service_away(stage: Stage) -> AsyncIterator[None]:
    """The proxy is stopped."""
    await asyncio.to_thread(stage.office.stop_process, PROXY.name)
    try:
        yield
    finally:
        await asyncio.to_thread(stage.office.start_process, PROXY.name)


@asynccontextmanager
async def redis_away(stage: Stage) -> AsyncIterator[None]:
    """Redis is stopped: services answer, and say that they are not ready."""
    await asyncio.to_thread(stage.office.backends.stop, "redis")
    try:
        yield
    finally:
        await asyncio.to_thread(stage.office.backends.start, "redis")


@asynccontextmanager
async def secrets_broken(stage: Stage) -> AsyncIterator[None]:
    """Somebody saves nonsense as the file with the webhooks' keys."""
    path = stage.office.secrets_file
    good = path.read_text()
    path.write_text("{ no keys")
    try:
        yield
    finally:
        path.write_text(good)


@asynccontextmanager
async def log_full(stage: Stage) -> AsyncIterator[None]:
    """The ingress writes its log to a disk that is full."""
    log = stage.office.supervisor.log_path(INGRESS.name)
    await asyncio.to_thread(stage.office.stop_process, INGRESS.name)
    log.rename(log.with_suffix(".kept"))
    log.symlink_to("/dev/full")
    await asyncio.to_thread(stage.office.start_process, INGRESS.name)
    try:
        await stage.link("Protokoll", 2)
        yield
    finally:
        await asyncio.to_thread(stage.office.stop_process, INGRESS.name)
        log.unlink()
        log.with_suffix(".kept").rename(log)
        await asyncio.to_thread(stage.office.start_process, INGRESS.name)


@asynccontextmanager
async def another_build(stage: Stage) -> AsyncIterator[None]:
    """The proxy is of another commit than the rest."""
    await stage.restart(PROXY.name, SYNCKIT_REVISION="another")
    try:
        yield
    finally:
        await stage.restart(PROXY.name)


@asynccontextmanager
async def ticker_without_redis(stage: Stage) -> AsyncIterator[None]:
    """The ticker starts while Redis is away: no timer of it has ever succeeded."""
    await asyncio.to_thread(stage.office.stop_process, TICKER.name)
    await asyncio.to_thread(stage.office.backends.stop, "redis")
    stage.office.start_process(TICKER.name, wait=False)
    try:
        yield
    finally:
        await asyncio.to_thread(stage.office.backends.start, "redis")
        await asyncio.to_thread(stage.office.wait_ready, TICKER.name)


@asynccontextmanager
async def worker_frozen(stage: Stage) -> AsyncIterator[None]:
    """The worker hangs (SIGSTOP) after a canary has come back."""
    await stage.link("Kanarienvogel", 1)
    await asyncio.sleep(10)
    stage.office.freeze(WORKER.name)
    try:
        yield
    finally:
        stage.office.thaw(WORKER.name)


@asynccontextmanager
async def program_has_a_bug(stage: Stage) -> AsyncIterator[None]:
    """Every look of the worker ends with an error of our own."""
    people = await stage.link("Programmfehler", 2)
    await asyncio.to_thread(stage.office.stop_process, WORKER.name)
    stage.run_as("tests.drills.buggy_worker")
    await asyncio.to_thread(stage.office.start_process, WORKER.name)
    await stage.retitle(people, "Dr. Programmfehler")
    try:
        yield
    finally:
        await asyncio.to_thread(stage.office.stop_process, WORKER.name)
        stage.run_as(WORKER.module)
        await asyncio.to_thread(stage.office.start_process, WORKER.name)


@asynccontextmanager
async def clock_leapt(stage: Stage) -> AsyncIterator[None]:
    """By the database's clock the last removal of old rows is a month ago."""
    await stage.sql("UPDATE cursor SET value = (now() - interval '30 days')::text WHERE name = 'retention.ran'")
    try:
        yield
    finally:
        now = "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')"
        await stage.sql(f"UPDATE cursor SET value = {now} WHERE name = 'retention.ran'")  # noqa: S608 - words of ours


DRILLS = {
    "ServiceDown": service_away,
    "ServiceNotReady": redis_away,
    "WebhookSecretsStale": secrets_broken,
    "LogLinesLost": log_full,
    "BuildsDiffer": another_build,
    "TickerNeverSucceeded": ticker_without_redis,
    "RetentionRefused": clock_leapt,
    "CanaryLate": worker_frozen,
    "BugHoldsRecords": program_has_a_bug,
}
