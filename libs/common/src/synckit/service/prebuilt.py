"""Small JSON answers whose bytes are put together from parts that are made once: for thousands of them a second."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE


class PrebuiltAnswer(web.StreamResponse):
    """As `web.Response` would send it. No other headers, no cookies, no compression; not for HEAD."""

    def __init__(self, body: bytes, status: int = 200, retry_after: str | None = None) -> None:
        super().__init__(status=status)
        self._json = body
        self._retry_after = retry_after
        self._stays_open = False

    @property
    def keep_alive(self) -> bool:
        """Asked once it is sent."""
        return self._stays_open

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Sends all of it. Raises ConnectionError where the caller has gone."""
        self._stays_open = request.keep_alive
        length, second = len(self._json), int(time.time())
        head = _head(self.status, length, self._retry_after, request.version, self._stays_open, second)
        await request.writer.write(head + self._json)
        await request.writer.write_eof()
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


@lru_cache(maxsize=128)
def _head(status: int, length: int, retry_after: str | None, version: HttpVersion, stays: bool, second: int) -> bytes:
    lines = [
        f"HTTP/{version.major}.{version.minor} {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        *([f"Retry-After: {retry_after}"] if retry_after is not None else []),
        f"Content-Length: {length}",
        f"Date: {formatdate(second, usegmt=True)}",
        f"Server: {SERVER_SOFTWARE}",
    ]
    if stays and version == HttpVersion10:
        lines.append("Connection: keep-alive")
    elif not stays and version == HttpVersion11:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii")
