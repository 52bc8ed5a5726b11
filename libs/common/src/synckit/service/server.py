"""The HTTP shell that all services share: health, metrics, start, and an end within a deadline.

`/health/live` answers while the loop runs. `/health/ready` runs named checks, all at once, in bounded time, and answers
503 with the names of those that fail; however many ask, the checks run once a second. So does the making of `/metrics`
under a flood. No access log: paths and queries may hold what logs must not.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from synckit.service import metrics
from synckit.service.hard_exit import hard_exit

log = structlog.get_logger(__name__)
Probe = Callable[[], Awaitable[None]]
CHECK_SECONDS = 2.0
KEPT_SECONDS = 1.0
HEAD_SECONDS = 15.0
"""For a new connection's first request to be there: who drips its head would hold a file of ours for ever."""
IDLE_SECONDS = 75.0


@dataclass(frozen=True, slots=True)
class Check:
    """A reason not to be ready: `probe` raises, or takes too long."""

    name: str
    probe: Probe


@dataclass(slots=True)
class _Asked:
    """The last answer of some checks, or the one that is on its way."""

    answer: asyncio.Future[list[str]] | None = None
    until: float = 0.0


@dataclass(slots=True)
class Health:
    """What `/health/ready` asks. No while starting, and before the port closes.

    `remarks`: checks that are shown as `degraded` where they fail, and take nothing away. An answer is good for `kept`
    seconds, and who asks meanwhile waits for the same one: a flood must not reach the database.
    """

    checks: Sequence[Check] = ()
    remarks: Sequence[Check] = ()
    seconds: float = CHECK_SECONDS
    kept: float = KEPT_SECONDS
    starting: bool = field(default=False, init=False)
    stopping: bool = field(default=False, init=False)
    _checked: _Asked = field(default_factory=_Asked, init=False)
    _remarked: _Asked = field(default_factory=_Asked, init=False)

    @property
    def is_passing_by(self) -> bool:
        """Starting or ending."""
        return self.starting or self.stopping

    async def failing(self) -> list[str]:
        """Names of the checks that fail, as of the last second."""
        if self.stopping or self.starting:
            return ["stopping" if self.stopping else "starting"]
        return await self._failing(self.checks, self._checked)

    async def degraded(self) -> list[str]:
        """Names of the remarks that fail, as of the last second."""
        return await self._failing(self.remarks, self._remarked)

    async def _failing(self, checks: Sequence[Check], asked: _Asked) -> list[str]:
        now = asyncio.get_running_loop().time()
        if asked.answer is None or (asked.answer.done() and now >= asked.until):
            asked.answer = asyncio.ensure_future(self._ask(checks, asked))
        return await asyncio.shield(asked.answer)

    async def _ask(self, checks: Sequence[Check], asked: _Asked) -> list[str]:
        passed = await asyncio.gather(*(self._passes(check) for check in checks))
        asked.until = asyncio.get_running_loop().time() + self.kept
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

    page = _Page(registry)

    async def measured(_: web.Request) -> web.Response:
        failing = await health.failing()
        names = [check.name for check in health.checks]
        # While it starts or ends no check was asked, and none may look as if it had passed.
        metrics.ready(names, names if health.is_passing_by else failing)
        return web.Response(body=page.now(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", measured)
    return app


class _Page:
    """The text of all metrics, made anew a few times a second at most."""

    def __init__(self, registry: CollectorRegistry, *, a_second: int = 5) -> None:
        self._registry = registry
        self._made: deque[float] = deque(maxlen=a_second)
        self._text = b""

    def now(self) -> bytes:
        at = asyncio.get_running_loop().time()
        if len(self._made) < (self._made.maxlen or 0) or at - self._made[0] >= 1.0:
            self._made.append(at)
            self._text = generate_latest(self._registry)
        return self._text


class HttpServer:
    """An aiohttp application on a port of its own; `port` is the real one once it has started (0 asks for any)."""

    def __init__(
        self, app: web.Application, *, port: int, host: str, grace: float = 5.0, head_seconds: float = HEAD_SECONDS
    ) -> None:
        self.port = port
        self._host = host
        self._head_seconds = head_seconds
        self._listening: asyncio.Server | None = None
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=grace,
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
        )

    async def start(self) -> None:
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._connection, self._host, self.port, backlog=1024, reuse_address=True
        )
        self.port = self._listening.sockets[0].getsockname()[1]
        log.info("listening", port=self.port)

    async def stop(self) -> None:
        """No new connections; requests under way get the grace."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def _connection(self) -> web.RequestHandler:
        """aiohttp's own, with an end for one on which no request arrives."""
        if self._runner.server is None:
            raise RuntimeError("not set up")
        handler = self._runner.server()
        asyncio.get_running_loop().call_later(self._head_seconds, _end_if_silent, handler)
        return handler


def _end_if_silent(handler: web.RequestHandler) -> None:
    if handler.transport is not None and not handler._request_count:
        handler.transport.abort()


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
    cut = threading.Timer(deadline, hard_exit, (1, lambda: log.error("deadline_passed", seconds=deadline)))
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
