"""An HTTP server that answers what a test wrote down, also silence, resets and half answers."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

Trouble = Literal["", "silence", "reset", "cut_short"]


@dataclass(frozen=True, slots=True)
class Line:
    """One answer, or the trouble instead of it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    """Lines are taken in order; past the last one every request gets `otherwise`.

    With `keeps_alive` a connection takes one request after another, as a real server's does. `on_asked` is called
    when a request is here and not yet answered.
    """

    def __init__(self, *, keeps_alive: bool = False) -> None:
        self._keeps_alive = keeps_alive
        self.on_asked: Callable[[], object] = lambda: None
        self.asked: list[Asked] = []
        self.otherwise = Line(status=599, body=b"the script is over")
        self._script: deque[Line] = deque()
        self._server: asyncio.Server | None = None
        self._over = asyncio.Event()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def says(
        self,
        status: int = 200,
        answer: Any = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        trouble: Trouble = "",
    ) -> Self:
        """The next line: `answer` as JSON, or `body` as it is."""
        content = body if body is not None else b"" if answer is None else json.dumps(answer).encode()
        self._script.append(Line(status, content, headers or {}, trouble))
        return self

    def hang_up(self) -> None:
        """Cuts all connections on which it is silent."""
        self._over.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer) and self._keeps_alive:
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False where the connection was cut."""
        self.asked.append(await _read(reader))
        self.on_asked()
        line = self._script.popleft() if self._script else self.otherwise
        if line.trouble == "silence":
            await self._over.wait()
        if line.trouble in ("silence", "reset"):
            writer.transport.abort()
            return False
        writer.write(_written(line, "keep-alive" if self._keeps_alive else "close"))
        await writer.drain()
        return line.trouble != "cut_short"


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {name.title(): value.strip() for name, _, value in (each.partition(":") for each in head[1:] if each)}
    body = await reader.readexactly(int(headers.get("Content-Length", 0)))
    return Asked(method, target, headers, body)


def _written(line: Line, connection: str) -> bytes:
    length = len(line.body) + (10 if line.trouble == "cut_short" else 0)
    ours = {"Content-Length": str(length), "Connection": connection}
    headers = {"Content-Type": "application/json", **line.headers, **ours}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {line.status} Scripted\r\n{head}\r\n".encode("latin-1") + line.body
