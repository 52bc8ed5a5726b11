"""EspoCRM's answers: what its refusals say without quoting a value, and its times."""

from __future__ import annotations

import re
from datetime import datetime

from synckit import clamps
from synckit.errors import RemoteRejected
from synckit.http.answer import Answer

UPSTREAM = "espocrm"
LOCKED_OUT_SECONDS = 60.0
_GONE = re.compile(r"Record \S+ (does not exist|not found)\.?\Z")
_VALIDATION = re.compile(r"field: (?P<field>\w{1,100}), type: (?P<type>\w{1,50})")
_WORDED = re.compile(
    r"(No (read|edit|create|delete|stream|assignment) access"
    r"|Not permitted to post to anybody except self"
    r"|Max size should not exceed [0-9]{1,9}\. Use offset and limit"
    r"|Not supported event|Field does not exist|Entity type is not available for Webhooks|Not allowed file type"
    r"|No access to (link|field|attribute|entity type) ['`]?\w{1,60}['`]?"
    r"|(Not existing|Forbidden) (attribute|link|field) ['`]?\w{1,60}['`]? in (where|order)"
    r"|Order by ['`]?\w{1,60}['`]? is not allowed"
    r"|No ['`]?\w{1,60}['`]? scope access)\.?\Z",
    re.ASCII,
)
"""Sentences of EspoCRM that hold names of its own and nothing that a user typed."""
_TOO_LARGE = re.compile(r"Max size should not exceed (?P<most>[0-9]{1,9})\b", re.ASCII)
_LABEL = re.compile(r"\w{1,60}\Z")


class RecordGone(RemoteRejected):
    """404, said by EspoCRM itself about the record, not about a path or by a proxy."""


class PageTooLarge(RemoteRejected):
    """403: its `recordListMaxSizeLimit` is less than what was asked for. `most`: rows that a page may have."""

    def __init__(self, reason: str, most: int) -> None:
        super().__init__(UPSTREAM, 403, reason)
        self.most = most


def parse_time(value: object) -> datetime | None:
    """EspoCRM's datetime → aware. None where it is none that can be."""
    return clamps.moment(value)


def is_locked_out(answer: Answer) -> bool:
    """After ten refused logins in a minute: an empty 403 for every request of our address, also with the right key."""
    return answer.status == 403 and not answer.headers.get("X-Status-Reason") and not answer.body


def refusal(answer: Answer) -> Exception:
    """A 4xx in our words: field and rule, never the server's text, which may quote a value."""
    said = answer.headers.get("X-Status-Reason", "")
    if answer.status == 404:
        if _GONE.match(said):
            return RecordGone(UPSTREAM, 404, "the record does not exist")
        return answer.unavailable("not said of the record: a wrong address, or a proxy")
    if answer.status == 403 and (found := _TOO_LARGE.match(said)):
        return PageTooLarge(said.rstrip("."), int(found["most"]))
    if found := _VALIDATION.search(said):
        return RemoteRejected(UPSTREAM, answer.status, found["type"], field=found["field"])
    reason, name = _translation(answer)
    if not reason and _WORDED.match(said):
        reason = said.rstrip(".")
    return RemoteRejected(UPSTREAM, answer.status, reason or "rejected", field=name)


def _translation(answer: Answer) -> tuple[str, str | None]:
    """Label and field of a messageTranslation; a list is what a duplicate check found."""
    try:
        body = clamps.parsed_json(answer.body)
    except ValueError:
        return "", None
    if isinstance(body, list):
        return "duplicate", None
    told = body.get("messageTranslation") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return "modified" if answer.status == 409 else "", None
    given = told.get("data")
    details = given if isinstance(given, dict) else {}
    words = [str(each) for each in (told.get("label"), details.get("type")) if each and _LABEL.match(str(each))]
    name = str(details.get("field") or "")
    return " ".join(words), name if _LABEL.match(name) else None
