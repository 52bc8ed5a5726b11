"""A recording of REST exchanges, one a line: what stood before (`given`), what was sent, what came back.

Credentials in it are the sandbox's own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ID = re.compile(r"\b[0-9a-f]{17}\b")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
GIVEN = frozenset({"reset", "users", "metadata", "clock", "records", "deleted", "failed_logins"})


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `line` counts from 1."""

    line: int
    version: str
    name: str
    given: dict[str, Any]
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer_body: str

    @property
    def reason(self) -> str | None:
        """X-Status-Reason."""
        return self.answer_headers.get("x-status-reason")

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
    request, response, given = raw["request"], raw["response"], dict(raw.get("given", {}))
    if unknown := set(given) - GIVEN:
        raise ValueError(f"given: {', '.join(sorted(unknown))}")
    return Exchange(
        line=number,
        version=str(raw.get("espocrm", "10.0.0")),
        name=str(raw.get("name", "")),
        given=given,
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
