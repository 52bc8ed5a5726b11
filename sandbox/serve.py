"""Runs sandbox apps: prints each one's address when it listens, ends on SIGTERM or SIGINT within a second."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

SHUTDOWN_SECONDS = 0.3
MAX_LINE = 256 * 1024


Listening = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """An app on a port of its own; port 0 takes a free one. `listening` hears of the address before it is printed."""

    app: web.Application
    name: str
    port: int
    listening: Listening = lambda _url: None


async def serve(sites: Sequence[Site], host: str) -> None:
    """Serve until a signal comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runners: list[web.AppRunner] = []
    try:
        for site in sites:
            runners.append(await _started(site, host))
        for site, runner in zip(sites, runners, strict=True):
            url = f"http://{host}:{runner.addresses[0][1]}"
            site.listening(url)
            print(f"{site.name} sandbox listening on {url}", flush=True)  # noqa: T201 -- the lines that it promises
        await stop.wait()
    finally:
        for runner in runners:
            await runner.cleanup()


async def _started(site: Site, host: str) -> web.AppRunner:
    runner = web.AppRunner(
        site.app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, max_line_size=MAX_LINE, max_field_size=MAX_LINE
    )
    await runner.setup()
    await web.TCPSite(runner, host, site.port, backlog=1024).start()
    return runner


def run(app: web.Application, name: str, host: str, port: int, listening: Listening = lambda url: None) -> None:
    """Serve one app, from a command line."""
    run_sites([Site(app, name, port, listening)], host)


def run_sites(sites: Sequence[Site], host: str) -> None:
    """As `serve`, from a command line."""
    asyncio.run(serve(sites, host))
