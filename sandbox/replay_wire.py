"""HTTP of the replay tool: requests of the recording, and the sandbox's control API."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

TIMEOUT = 30.0


@dataclass(frozen=True)
class Reply:
    """What came back. Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Wire:
    """One keep-alive connection to the sandbox. `base_url` may end in /api/v1."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base URL must look like http://host:port")
        factory = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = factory(parts.hostname, parts.port, timeout=TIMEOUT)

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """One request; raises OSError where the sandbox is not there."""
        self._connection.putrequest(method, quote(target, safe="/?&=%+:@!$'()*,;[]~"), skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        if body is not None:
            self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body)
        response = self._connection.getresponse()
        answer = response.read()
        found = {
            name.lower(): value.encode("latin-1").decode("utf-8", "replace") for name, value in response.getheaders()
        }
        return Reply(response.status, found, answer)

    def control(self, method: str, path: str, given: Any = None) -> Any:
        """A call of /_sandbox/…; raises RuntimeError where it is refused."""
        body = None if given is None else json.dumps(given).encode()
        reply = self.send(method, f"/_sandbox/{path}", {"Content-Type": "application/json"}, body)
        if reply.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"control API: {method} {path}: {reply.status} {reply.text[:200]}")
        return json.loads(reply.text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
