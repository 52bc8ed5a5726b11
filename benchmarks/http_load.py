"""A lean HTTP/1.1 load generator: requests made beforehand, one protocol object a connection, no client library.

Closed loop: each connection sends as soon as it has its answer. Open loop: requests are due at fixed moments, and their
time is taken from that moment, whether a connection was free or not (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.figures import cpu_seconds, percentile
from benchmarks.grounds import Running

LENGTH = b"content-length:"


@dataclass
class Window:
    """What one window saw. `seconds` are latencies, `refused` answers other than 200, `began_at` Unix time."""

    elapsed: float = 0.0
    began_at: float = 0.0
    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed


class Connection(asyncio.Protocol):
    """One request at a time; `on_answer(connection, status)` when its answer is complete."""

    def __init__(self) -> None:
        self.on_answer: Callable[[Connection, int], None] = lambda _connection, _status: None
        self.began = 0.0
        self.lost = False
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def send(self, request: bytes, began: float) -> None:
        assert self._transport is not None  # noqa: S101
        self.began = began
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if found:
            at = head.lower().find(LENGTH)
            length = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) >= length:
                self._received = b""
                self.on_answer(self, int(head[9:12]))


async def connect(port: int, count: int) -> list[Connection]:
    """So many open connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [protocol for _, protocol in made]


async def closed_loop(connections: Sequence[Connection], requests: Sequence[bytes], seconds: float) -> Window:
    """All connections busy for so long; then the last answers are waited for and not counted."""
    window, finished = Window(), asyncio.Event()
    at = 0
    busy = len(connections)
    started = time.perf_counter()
    ends = started + seconds

    def answered(connection: Connection, status: int) -> None:
        nonlocal at, busy
        now = time.perf_counter()
        if now < ends:
            window.seconds.append(now - connection.began)
            window.refused += status != 200
            at = (at + 1) % len(requests)
            connection.send(requests[at], now)
            return
        busy -= 1
        if not busy:
            finished.set()

    for connection in connections:
        connection.on_answer = answered
        at = (at + 1) % len(requests)
        connection.send(requests[at], time.perf_counter())
    await asyncio.wait_for(finished.wait(), seconds + 20)
    window.elapsed = seconds
    return window


class Load(NamedTuple):
    """One window in closed loop: requests a second, CPU of the server a request, time of the slowest in a hundred."""

    rate: float
    cpu_ms: float
    p99_ms: float


async def window_of(server: Running, count: int, requests: Sequence[bytes], seconds: float) -> Load:
    """Closed loop over so many connections. Raises where a request is refused."""
    connections = await connect(server.port, count)
    before = cpu_seconds(server.pid)
    window = await closed_loop(connections, requests, seconds)
    spent = cpu_seconds(server.pid) - before
    for each in connections:
        each.close()
    if window.refused:
        raise RuntimeError(f"{server.name} refused {window.refused} requests")
    return Load(window.rate, 1000 * spent / max(1, len(window.seconds)), 1000 * percentile(window.seconds, 0.99))


async def open_loop(connections: Sequence[Connection], requests: Sequence[bytes], rate: float, count: int) -> Window:
    """`count` requests due every 1/rate seconds; one that finds no free connection waits, and its clock runs."""
    window, finished = Window(), asyncio.Event()
    free, due = deque(connections), deque[tuple[bytes, float]]()

    def answered(connection: Connection, status: int) -> None:
        now = time.perf_counter()
        window.seconds.append(now - connection.began)
        window.refused += status != 200
        if due:
            connection.send(*due.popleft())
        else:
            free.append(connection)
        if len(window.seconds) == count:
            finished.set()

    for connection in connections:
        connection.on_answer = answered
    started, window.began_at = time.perf_counter(), time.time()
    sent = 0
    while sent < count:
        behind = time.perf_counter() - started
        while sent < count and sent / rate <= behind:
            one = requests[sent % len(requests)], started + sent / rate
            sent += 1
            if free:
                free.popleft().send(*one)
            else:
                due.append(one)
        await asyncio.sleep(max(0.0, started + sent / rate - time.perf_counter()))
    await asyncio.wait_for(finished.wait(), 60)
    window.elapsed = time.perf_counter() - started
    return window
