"""One call to Google: paid for, carried out in a thread with a connection of its own, measured, and in our words."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import google_auth_httplib2
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from calendar_sync.adapters.google.access import Credential, Delegation, DelegationRefused
from calendar_sync.adapters.google.sent_once import SentOnceHttp
from calendar_sync.adapters.google.translation import UPSTREAM, UPSTREAM_AUTH, translated
from calendar_sync.domain.google_errors import WritesBlocked
from synckit.errors import AuthenticationRefused

MOST_SECONDS = 4.0
"""A call's whole time, as a multiple of one silence: connect, token, answer, one refreshed token."""
REFUSED_TOKEN = "Google refuses our token: are the scopes granted, is the Calendar API enabled in the project?"  # noqa: S105
OnCall = Callable[[str, str, str, float], None]
Build = Callable[[Any], Any]


class Accounts(Protocol):
    """Whose token a call carries."""

    def acting_for(self, account: str) -> Credential: ...


class Prices(Protocol):
    """Whose turn it is, over all replicas."""

    async def take(self, account: str, calendar: str, price: int, makes: str = "") -> None:
        """Before each call. `calendar` is "" where nothing is written. RateLimited, WritesBlocked."""

    async def block(self, account: str) -> None:
        """No write of this account for hours."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. `account` acts and pays, `calendar` is the one that is written ("" where none is), `price` is Google's.

    `build` makes the library's request of its service object, in the thread that sends it.
    """

    name: str
    account: str
    build: Build
    calendar: str = ""
    price: int = 1
    etag: str | None = None
    makes: str = ""
    """`calendar` or `event` where one is made: Google has an invisible limit for those."""

    @property
    def writes(self) -> bool:
        return bool(self.calendar)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told: of each call, of refused credentials (what to do), of accepted ones, of Google's clock."""

    on_call: OnCall = lambda _upstream, _method, _code, _seconds: None
    on_refused: Callable[[str, str], None] = lambda _upstream, _hint: None
    on_accepted: Callable[[str], None] = lambda _upstream: None
    on_date: Callable[[str, str | None, float], None] = lambda _upstream, _date, _seconds: None
    on_blocked: Callable[[], None] = lambda: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class GoogleLimits:
    """`threads` calls at once; `seconds` of silence end one."""

    threads: int = 8
    seconds: float = 20.0
    endpoint: str | None = None


@dataclass(slots=True)
class _Answer:
    """What a thread brings back."""

    body: Any = None
    error: BaseException | None = None
    date: str | None = None
    code: str = ""
    seconds: float = 0.0


class GoogleClient:
    """All calls of one process. Closed at its end."""

    def __init__(self, accounts: Accounts, prices: Prices, limits: GoogleLimits, hooks: Hooks | None = None) -> None:
        self._accounts = accounts
        self._prices = prices
        self._limits = limits
        self._hooks = hooks or Hooks()
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="google")
        self._own = threading.local()
        self._opened: list[SentOnceHttp] = []
        self._places = asyncio.Semaphore(limits.threads)
        self._refused_until = 0.0
        self.skew = timedelta()
        """Google's clock less ours, as its last answer says it."""

    @classmethod
    def of_key_file(cls, key_file: Path, prices: Prices, limits: GoogleLimits, hooks: Hooks) -> GoogleClient:
        """As a service account, whose key the file holds."""
        return cls(Delegation(key_file), prices, limits, hooks)

    async def close(self) -> None:
        """Lets the calls under way end; starts none."""
        await asyncio.to_thread(partial(self._threads.shutdown, wait=True, cancel_futures=True))
        for http in self._opened:
            http.close()

    async def call(self, ask: Ask) -> Any:
        """Google's answer as the library decodes it. Raises errors of `synckit.errors` and of `ports` alone."""
        self._ensure_credentials()
        await self._prices.take(ask.account, ask.calendar, ask.price, ask.makes)
        async with self._places:
            answer = await self._in_thread(ask)
        self._tell(ask, answer)
        if answer.error is None:
            return answer.body
        error = translated(answer.error, writes=ask.writes)
        if error is None:
            raise answer.error
        if isinstance(error, WritesBlocked):
            self._hooks.on_blocked()
            await self._prices.block(ask.account)
        if isinstance(error, AuthenticationRefused):
            self._refuse(error, answer.error)
        raise error from None

    def _ensure_credentials(self) -> None:
        """No call for a while after our credentials were refused: each would only be one more wrong login."""
        left = self._refused_until - time.monotonic()
        if left > 0:
            raise AuthenticationRefused(UPSTREAM, retry_after=left)

    def _refuse(self, error: AuthenticationRefused, cause: BaseException) -> None:
        hint = cause.hint if isinstance(cause, DelegationRefused) else REFUSED_TOKEN
        self._hooks.on_refused(error.upstream, hint)
        self._refused_until = time.monotonic() + min(error.retry_after, 60.0)

    async def _in_thread(self, ask: Ask) -> _Answer:
        """The thread ends by its own time-outs; whoever is cancelled here does not wait for it."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._send, ask)
        try:
            async with asyncio.timeout(self._limits.seconds * MOST_SECONDS):
                return await running
        except TimeoutError as error:
            return _Answer(error=error, code="timeout", seconds=self._limits.seconds * MOST_SECONDS)

    def _send(self, ask: Ask) -> _Answer:
        """In a thread."""
        answer, began = _Answer(), time.monotonic()
        try:
            http, service = self._of_this_thread()
            request = ask.build(service)
            if ask.etag:
                request.headers["If-Match"] = ask.etag
            request.add_response_callback(partial(_keep_date, answer))
            authorized = google_auth_httplib2.AuthorizedHttp(
                self._accounts.acting_for(ask.account), http=http, max_refresh_attempts=1
            )
            answer.body = request.execute(http=authorized, num_retries=0)
            answer.code = "200"
        except HttpError as error:
            answer.error, answer.code = error, str(error.resp.status)
        except Exception as error:
            answer.error, answer.code = error, type(error).__name__
        answer.seconds = time.monotonic() - began
        return answer

    def _of_this_thread(self) -> tuple[SentOnceHttp, Any]:
        own = self._own
        if not hasattr(own, "http"):
            options = {"api_endpoint": f"{self._limits.endpoint}/calendar/v3/"} if self._limits.endpoint else None
            own.http = SentOnceHttp(self._limits.seconds)
            self._opened.append(own.http)
            own.service = build(
                "calendar", "v3", http=own.http, static_discovery=True, cache_discovery=False, client_options=options
            )
        return own.http, own.service

    def _tell(self, ask: Ask, answer: _Answer) -> None:
        hooks = self._hooks
        hooks.on_call(UPSTREAM, ask.name, answer.code, answer.seconds)
        if answer.date:
            self._measure(answer.date)
            hooks.on_date(UPSTREAM, answer.date, answer.seconds)
        if answer.error is None:
            hooks.on_accepted(UPSTREAM)
            hooks.on_accepted(UPSTREAM_AUTH)

    def _measure(self, date: str) -> None:
        """To the second, which is what the header has. Nonsense tells nothing."""
        try:
            told = parsedate_to_datetime(date)
        except (ValueError, OverflowError):
            return
        if told.tzinfo is not None:
            self.skew = told - self._hooks.now().replace(microsecond=0)


def _keep_date(answer: _Answer, response: Any) -> None:
    answer.date = response.get("date")
