"""A request as handlers see it and an answer as they give it, without HTTP; and how EspoCRM reads and words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm.auth import LoginFailed
from sandbox.espocrm.errors import ApiError, server_error
from sandbox.espocrm.phpjson import dumps

JSON = "application/json"
HTML = "text/html; charset=UTF-8"


@dataclass
class Request:
    """What a handler sees. `path` is what follows /api/v1."""

    method: str
    path: str
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Answer:
    """What goes back. `record_id` is the record that it was about, for the call log."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    record_id: str | None = None


def json_answer(value: Any, record_id: str | None = None) -> Answer:
    """200 with JSON."""
    return Answer(200, dumps(value).encode(), record_id=record_id)


def header(request: Request, name: str) -> str | None:
    """One header of a request."""
    return request.headers.get(name)


def parsed_body(request: Request) -> Any:
    """The JSON of a request; another content type counts as no body (None), malformed JSON is a 500."""
    kind = (request.headers.get("Content-Type") or "").split(";", 1)[0].strip().lower()
    if kind != JSON or not request.body:
        return None
    try:
        return json.loads(request.body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise server_error() from error


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request, {} for anything else."""
    value = parsed_body(request)
    return value if isinstance(value, dict) else {}


def answer_error(error: ApiError) -> Answer:
    """A refusal as EspoCRM words it: reason in the header, body mostly empty."""
    headers = {} if error.reason is None else {"X-Status-Reason": error.reason}
    return Answer(error.status, b"" if error.body is None else dumps(error.body).encode(), headers=headers)


def answer_login(error: LoginFailed) -> Answer:
    """A refused login: empty, text/html."""
    return Answer(error.status, content_type=HTML, headers={"WWW-Authenticate": 'Basic realm=""'} if error.ask else {})
