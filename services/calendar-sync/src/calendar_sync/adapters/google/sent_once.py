"""httplib2 with two of its habits taken away: it sends a POST again by itself, and keeps a dead connection.

A server that closes before its status line makes httplib2 send the same request once more, whatever is set: the first
may have been carried out. What may not be sent twice ends in `MaybeSent` instead.
"""

from __future__ import annotations

import time
from typing import Any

import httplib2

IDLE_SECONDS = 20.0
"""A connection that was silent for longer is opened anew: a server closes what is idle without a word."""
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class MaybeSent(Exception):
    """The request went out and no answer came: whether it was carried out nobody knows."""


class SentOnceHttp(httplib2.Http):
    """For one thread alone: an `Http` that two threads share hands one's answer to the other."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self.follow_redirects = False
        self._used_at: dict[int, float] = {}

    def _conn_request(self, conn: Any, request_uri: str, method: str, body: Any, headers: Any) -> Any:
        now = time.monotonic()
        if now - self._used_at.get(id(conn), now) > IDLE_SECONDS:
            conn.close()
        self._used_at[id(conn)] = now
        if method in REPEATABLE:
            return super()._conn_request(conn, request_uri, method, body, headers)  # type: ignore[misc]
        send = conn.request
        sent = 0

        def once(*args: Any, **named: Any) -> Any:
            nonlocal sent
            if sent:
                raise MaybeSent
            sent += 1
            return send(*args, **named)

        conn.request = once
        try:
            return super()._conn_request(conn, request_uri, method, body, headers)  # type: ignore[misc]
        finally:
            del conn.request
