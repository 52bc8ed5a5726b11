"""Clients that mean no good, in a process of their own: `python -m tests.chaos.attackers KIND URL SECONDS SECRETS`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from synckit.command import run_command
from tests.chaos.webhooks import LONGEST, PATH, Key

SLOW_CLIENTS = 500
CONNECTIONS = 10_000
BIG_AT_ONCE = 8


async def slowloris(url: str, seconds: float, _key: Key) -> dict[str, int]:
    """Connections that send their headers a byte a second."""
    ends = time.monotonic() + seconds
    head = f"POST {PATH} HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nX-Padding: {'x' * 500}".encode()

    async def one() -> int:
        with suppress(OSError):
            reader, writer = await _connect(url)
            for byte in head:
                if time.monotonic() > ends or reader.at_eof():
                    break
                writer.write(bytes((byte,)))
                await asyncio.sleep(1.0)
            writer.close()
            return 1
        return 0

    return {"slow clients": sum(await asyncio.gather(*(one() for _ in range(SLOW_CLIENTS))))}


async def connections(url: str, seconds: float, _key: Key) -> dict[str, int]:
    """Connections that never say anything."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ends = time.monotonic() + seconds
    writers: list[asyncio.StreamWriter] = []

    async def one() -> None:
        with suppress(OSError):
            writers.append((await _connect(url))[1])

    for start in range(0, CONNECTIONS, 200):
        await asyncio.gather(*(one() for _ in range(min(200, CONNECTIONS - start))))
    await asyncio.sleep(max(0.0, ends - time.monotonic()))
    opened = len(writers)
    for writer in writers:
        writer.close()
    return {"connections": opened}


async def big_bodies(url: str, seconds: float, key: Key) -> dict[str, int]:
    """Bodies of 4 MiB less one byte, rightly and wrongly signed in turn."""
    ends = time.monotonic() + seconds
    frame = json.dumps([{"id": "0" * 17, "titel": ""}]).encode()
    body = frame[:-3] + b"x" * (LONGEST - len(frame)) + frame[-3:]
    right, wrong = key.headers(body), key.headers(body[:-1])
    statuses: dict[str, int] = {}

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        headers = right if number % 2 else wrong
        while time.monotonic() < ends:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(url + PATH, data=BytesIO(body), headers=headers) as answer:
                    name = f"bodies answered {answer.status}"
                    statuses[name] = statuses.get(name, 0) + 1

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        await asyncio.gather(*(one(session, number) for number in range(BIG_AT_ONCE)))
    return statuses


KINDS = {"slowloris": slowloris, "connections": connections, "big-bodies": big_bodies}


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def main() -> int:
    kind, url, seconds, secrets_file = sys.argv[1:]
    figures = asyncio.run(KINDS[kind](url, float(seconds), Key.of(Path(secrets_file))))
    sys.stdout.write(json.dumps(figures))
    return 0


if __name__ == "__main__":
    run_command(main)
