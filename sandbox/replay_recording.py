"""A recording of REST exchanges, one a line: what was sent, what came back. Credentials are redacted in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PREFIX = "/api/v1"
ID = re.compile(r"\b[0-9a-f]{17}\b")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
OK = 200
MULTIPLE = 300
FIRST_ID_TIME = 1_300_000_000
LAST_ID_TIME = 2_200_000_000


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `line` counts from 1."""

    line: int
    version: str
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer_body: str

    @property
    def route(self) -> str:
        """The path below /api/v1, without query."""
        return self.path.split("?", 1)[0].removeprefix(PREFIX)

    @property
    def query(self) -> str:
        """The query string as sent."""
        return self.path.partition("?")[2]

    @property
    def segments(self) -> list[str]:
        """The parts of the route."""
        return [part for part in self.route.split("/") if part]

    @property
    def entity(self) -> str:
        """The controller, first letter in upper case."""
        name = self.segments[0] if self.segments else ""
        return name[:1].upper() + name[1:]

    @property
    def reason(self) -> str | None:
        """X-Status-Reason."""
        return self.answer_headers.get("x-status-reason")

    @property
    def is_ok(self) -> bool:
        """2xx."""
        return OK <= self.status < MULTIPLE

    @property
    def sent(self) -> dict[str, Any]:
        """The JSON object that was sent, {} for anything else: EspoCRM ignores other content types."""
        value = parse(self.body) if self.headers.get("content-type", "").startswith("application/json") else None
        return value if isinstance(value, dict) else {}

    @property
    def answer(self) -> Any:
        """The JSON that came back, None for anything else."""
        return parse(self.answer_body) if "json" in self.answer_headers.get("content-type", "") else None


def parse(text: str) -> Any:
    """JSON or None."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def load(path: Path) -> list[Exchange]:
    """Read a recording; raises ValueError naming the line that is not one."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_exchange(number, json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}:{number}: not an exchange: {error}") from error
    return found


def _exchange(number: int, raw: dict[str, Any]) -> Exchange:
    request, response = raw["request"], raw["response"]
    return Exchange(
        line=number,
        version=str(raw.get("espocrm", "10.0.0")),
        name=str(raw.get("name", "")),
        method=str(request["method"]),
        path=str(request["path"]),
        headers={key.lower(): str(value) for key, value in request.get("headers", {}).items()},
        body=_text(request.get("body")),
        status=int(response["status"]),
        answer_headers={key.lower(): str(value) for key, value in response.get("headers", {}).items()},
        answer_body=_text(response.get("body")),
    )


def _text(body: Any) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body)


def by_version(exchanges: list[Exchange]) -> dict[str, list[Exchange]]:
    """Each version was an installation of its own; the order within it is kept."""
    groups: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        groups.setdefault(exchange.version, []).append(exchange)
    return groups


def id_stamp(record_id: str) -> str | None:
    """When a record was made: its id begins with the time, as eight hex digits."""
    if not re.fullmatch(r"[0-9a-f]{17}", record_id):
        return None
    seconds = int(record_id[:8], 16)
    if not FIRST_ID_TIME < seconds < LAST_ID_TIME:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def rows_of(exchange: Exchange) -> list[dict[str, Any]]:
    """The records in an answer: one, a list's, or those of a 409 duplicate."""
    answer = exchange.answer
    if isinstance(answer, dict) and isinstance(answer.get("list"), list):
        answer = answer["list"]
    found = answer if isinstance(answer, list) else [answer]
    return [row for row in found if isinstance(row, dict) and isinstance(row.get("id"), str)]


def stamps(value: Any) -> Iterator[str]:
    """The createdAt and modifiedAt in an answer."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("createdAt", "modifiedAt") and isinstance(each, str) and STAMP.fullmatch(each):
                yield each
            else:
                yield from stamps(each)
    elif isinstance(value, list):
        for each in value:
            yield from stamps(each)
