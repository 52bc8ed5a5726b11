"""Runs one sandbox app: prints its address when it listens, ends on SIGTERM or SIGINT within a second."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

SHUTDOWN_SECONDS = 0.3
MAX_LINE = 256 * 1024


Listening = Callable[[str], None]


async def serve(app: web.Application, name: str, host: str, port: int, listening: Listening = lambda url: None) -> None:
    """Serve until a signal comes; port 0 takes a free one, which the printed line tells, and `listening` first."""
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, max_line_size=MAX_LINE, max_field_size=MAX_LINE
    )
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        bound = runner.addresses[0][1]
        listening(f"http://{host}:{bound}")
        print(f"{name} sandbox listening on http://{host}:{bound}", flush=True)  # noqa: T201 -- the one line that it promises
        await stop.wait()
    finally:
        await runner.cleanup()


def run(app: web.Application, name: str, host: str, port: int, listening: Listening = lambda url: None) -> None:
    """As `serve`, from a command line."""
    asyncio.run(serve(app, name, host, port, listening))
