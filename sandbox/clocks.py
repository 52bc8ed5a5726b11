"""A clock that is off, and times that are lies: what both sandboxes do to the times that they tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from sandbox.control import bad_request, json_body

LONGEST = 366 * 86400.0
CONSTANT = datetime(2020, 1, 1, 12, tzinfo=UTC)
FAR = timedelta(days=30)
TIME_LIES = ("future", "past", "null", "constant")


def lying(lie: str | None, at: datetime) -> datetime | None:
    """The moment that is told instead of `at`; naive or aware as that one is."""
    match lie:
        case "future":
            return at + FAR
        case "past":
            return at - FAR
        case "null":
            return None
        case "constant":
            return CONSTANT.replace(tzinfo=at.tzinfo)
    return at


class ShiftedClock:
    """Another clock, so many seconds ahead (behind, where negative)."""

    def __init__(self, inner: Callable[[], datetime]) -> None:
        self._inner = inner
        self.offset = 0.0

    def __call__(self) -> datetime:
        return self._inner() + timedelta(seconds=self.offset)

    def shift(self, seconds: object) -> None:
        """Raises ValueError for what is no number, or more than a year."""
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not abs(seconds) <= LONGEST:
            raise ValueError("offset is a number of seconds, of at most a year")
        self.offset = float(seconds)


def add_clock(app: web.Application, clock: ShiftedClock) -> None:
    """`POST /_sandbox/clock {"offset": seconds}`, for a sandbox without a clock route of its own."""

    async def shift(request: web.Request) -> web.Response:
        try:
            clock.shift((await json_body(request)).get("offset", 0))
        except ValueError as error:
            raise bad_request(str(error)) from error
        return web.json_response({"offset": clock.offset, "now": clock().astimezone(UTC).isoformat()})

    app.router.add_post("/_sandbox/clock", shift)
    tell_the_date(app, clock)


def tell_the_date(app: web.Application, clock: ShiftedClock) -> None:
    """The header `Date` of every answer is by this clock while it is off."""

    async def dated(_: web.Request, answer: web.StreamResponse) -> None:
        if clock.offset:
            answer.headers["Date"] = format_datetime(clock().astimezone(UTC), usegmt=True)

    app.on_response_prepare.append(dated)
