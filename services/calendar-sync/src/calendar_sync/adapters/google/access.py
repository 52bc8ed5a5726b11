"""Who we are at Google: one token for each account that is acted for, fetched once and shared by all threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from google.auth.exceptions import RefreshError
from google.auth.transport import Request
from google.oauth2 import service_account

SCOPES = (
    "https://www.googleapis.com/auth/calendar.app.created",
    "https://www.googleapis.com/auth/calendar.acls",
    "https://www.googleapis.com/auth/calendar.calendarlist",
)
"""The least that does it: our own calendars, their rights, and the list in which an employee sees them. None of them
opens an employee's private calendar."""


class Credential(Protocol):
    """What google-auth's transport asks of it."""

    def before_request(self, request: Request, method: str, url: str, headers: Mapping[str, str]) -> None: ...

    def refresh(self, request: Request) -> None: ...


class DelegationRefused(Exception):
    """Google gives no token for this account. `code` is OAuth's word, `hint` what a person has to do."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


class _Delegated:
    """A credential that fetches its token under a lock: many threads that start together fetch one."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._turn = threading.Lock()

    def before_request(self, request: Request, method: str, url: str, headers: Mapping[str, str]) -> None:
        with self._turn:
            try:
                self._inner.before_request(request, method, url, headers)
            except RefreshError as error:
                raise explained(error) from None

    def refresh(self, request: Request) -> None:
        with self._turn:
            try:
                self._inner.refresh(request)
            except RefreshError as error:
                raise explained(error) from None


class Delegation:
    """The service account's key, and the tokens that it gets by acting for others."""

    def __init__(self, key_file: Path) -> None:
        self._key: Any = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            str(key_file), scopes=list(SCOPES)
        )
        self._known: dict[str, Credential] = {}
        self._turn = threading.Lock()

    def acting_for(self, account: str) -> Credential:
        """The same object for the same account, in whatever thread."""
        with self._turn:
            if account not in self._known:
                self._known[account] = _Delegated(self._key.with_subject(account))
            return self._known[account]


HINTS = {
    "unauthorized_client": (
        "domain-wide delegation is not granted: admin.google.com > Security > Access and data control > API controls > "
        f"Manage domain-wide delegation > the service account's client id with the scopes {','.join(SCOPES)}"
    ),
    "access_denied": (
        "a scope is not granted: admin.google.com > Security > Access and data control > API controls > "
        f"Manage domain-wide delegation must list {','.join(SCOPES)}"
    ),
    "invalid_scope": "Google does not know a scope that we ask for: is the Calendar API enabled in the project?",
    "invalid_client": "Google does not know the service account: GOOGLE_SERVICE_ACCOUNT_FILE is of a deleted one",
    "no_account": "this account is not in the domain: is it misspelt, suspended or deleted?",
    "clock": "Google calls our assertion too old or too early: set this machine's clock",
    "key": "Google does not know this key of the service account: make a new one for GOOGLE_SERVICE_ACCOUNT_FILE",
    "invalid_grant": "Google refuses the assertion of GOOGLE_SERVICE_ACCOUNT_FILE",
}
"""OAuth's word, or ours for a case of `invalid_grant` → what a person has to do."""
_GRANTS = (("email or user id", "no_account"), ("timeframe", "clock"), ("iat", "clock"), ("signature", "key"))


def explained(error: RefreshError) -> Exception:
    """Without Google's own text, which names the account. An answer that may be better later stays what it is."""
    if error.retryable:
        return error
    told = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], Mapping) else {}
    code, words = str(told.get("error") or "refused"), str(told.get("error_description") or "").lower()
    if code == "invalid_grant":
        code = next((ours for part, ours in _GRANTS if part in words), code)
    return DelegationRefused(code, HINTS.get(code, "Google's token service refuses us"))
