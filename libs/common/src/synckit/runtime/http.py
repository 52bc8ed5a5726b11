"""The HTTP shell that all services share: health, metrics, start, and an end within a deadline.

`/health/live` answers while the loop runs. `/health/ready` runs named checks, all at once, in bounded time, and answers
503 with the names of those that fail. No access log: paths and queries may hold what logs must not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from synckit.runtime import metrics

log = structlog.get_logger(__name__)
Probe = Callable[[], Awaitable[None]]
CHECK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """A reason not to be ready: `probe` raises, or takes too long."""

    name: str
    probe: Probe


@dataclass(slots=True)
class Health:
    """What `/health/ready` asks. No while starting, and before the port closes.

    `remarks`: checks that are shown as `degraded` where they fail, and take nothing away.
    """

    checks: Sequence[Check] = ()
    remarks: Sequence[Check] = ()
    seconds: float = CHECK_SECONDS
    starting: bool = field(default=False, init=False)
    stopping: bool = field(default=False, init=False)

    async def failing(self) -> list[str]:
        """Names of the checks that fail now."""
        if self.stopping or self.starting:
            return ["stopping" if self.stopping else "starting"]
        return await self._failing(self.checks)

    async def degraded(self) -> list[str]:
        """Names of the remarks that fail now."""
        return await self._failing(self.remarks)

    async def _failing(self, checks: Sequence[Check]) -> list[str]:
        passed = await asyncio.gather(*(self._passes(check) for check in checks))
        return [check.name for check, good in zip(checks, passed, strict=True) if not good]

    async def _passes(self, check: Check) -> bool:
        try:
            async with asyncio.timeout(self.seconds):
                await check.probe()
        except Exception as error:
            log.debug("not_ready", check=check.name, error_type=type(error).__name__)
            return False
        return True


def add_shell(app: web.Application, health: Health, registry: CollectorRegistry = metrics.REGISTRY) -> web.Application:
    """Adds `/health/live`, `/health/ready` and `/metrics`."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        failing = await health.failing()
        if failing:
            return web.json_response({"status": "not ready", "failing": failing}, status=503)
        degraded = await health.degraded()
        return web.json_response({"status": "ready", "degraded": degraded} if degraded else {"status": "ready"})

    async def measured(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", measured)
    return app


class HttpServer:
    """An aiohttp application on a port of its own; `port` is the real one once it has started (0 asks for any)."""

    def __init__(self, app: web.Application, *, port: int, host: str, grace: float = 5.0) -> None:
        self.port = port
        self._host = host
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=grace, auto_decompress=False
        )

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port, backlog=1024, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        log.info("listening", port=self.port)

    async def stop(self) -> None:
        """No new connections; requests under way get the grace."""
        await self._runner.cleanup()


Step = Callable[[], Awaitable[object]]


async def run_service(
    server: HttpServer,
    health: Health,
    *,
    starting: Sequence[Step] = (),
    background: Sequence[Step] = (),
    closing: Sequence[Step] = (),
    deadline: float = 20.0,
) -> int:
    """Runs until SIGTERM or SIGINT, or until something in the background ends. Answers the exit status.

    `starting` is done in turn while health already answers (a broker may be waited for); then `background` begins.
    Order of the end: not ready, port closed, background cancelled, `closing` in turn; cut at the deadline.
    """
    stopped = asyncio.Event()
    _on_signals(stopped.set)
    health.starting = True
    try:
        await server.start()
    except OSError as error:
        log.error("port_unusable", port=server.port, error_type=type(error).__name__, code=error.errno)
        return 1
    work = asyncio.ensure_future(_start_and_stay(health, starting, background))
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait([waiting, work], return_when=asyncio.FIRST_COMPLETED)
    failed = not stopped.is_set()
    log.info("stopping", outcome="failed" if failed else "signal")
    cut = threading.Timer(deadline, os._exit, (1,))
    cut.daemon = True
    cut.start()
    health.stopping = True
    waiting.cancel()
    await server.stop()
    await _end([work])
    for step in closing:
        await _quietly(step)
    cut.cancel()
    return 1 if failed else 0


async def _start_and_stay(health: Health, starting: Sequence[Step], background: Sequence[Step]) -> None:
    """Ends only by an error, or where one of the background ends."""
    for step in starting:
        await step()
    health.starting = False
    log.info("started")
    tasks = [asyncio.ensure_future(step()) for step in background]
    for_ever = asyncio.get_running_loop().create_future()
    try:
        await asyncio.wait([for_ever, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.error("background_failed", exc_info=error)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _quietly(step: Step) -> None:
    with suppress(asyncio.CancelledError):
        try:
            await step()
        except Exception as error:
            log.warning("closing_failed", error_type=type(error).__name__)
