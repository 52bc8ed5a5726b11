"""Google's limits: calls per account, project and calendar, and the invisible ones against abuse. All off at first."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sandbox.google.errors import USAGE, GoogleError
from sandbox.google.tokens import Actor

PRICES = {"events.patch": 3, "calendars.patch": 3, "calendarList.patch": 3, "acl.patch": 3}
READS = ("get", "list", "instances")
BLOCKED = GoogleError(403, "quotaExceeded", "Calendar usage limits exceeded.", USAGE)
MINUTE, DAY = 60.0, 86400.0


@dataclass(frozen=True)
class Limits:
    """None: no limit. Windows slide. `status`: of "too fast", 403 or 429."""

    per_user_per_minute: int | None = None
    per_project_per_minute: int | None = None
    per_calendar_per_minute: int | None = None
    calendars_per_day: int | None = None
    events_per_day: int | None = None
    blocked: tuple[str, ...] = ()
    status: int = 403
    retry_after: int | None = None


GOOGLE = Limits(600, 10_000, None, 60, 100_000)
"""What Google publishes."""
NO_LIMITS = Limits()


class _Window:
    """What was spent in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def spend(self, now: float, price: int) -> None:
        self._spent.append((now, price))
        self._total += price
        self.sum(now)

    def sum(self, now: float) -> int:
        while self._spent and self._spent[0][0] <= now - self._seconds:
            self._total -= self._spent.popleft()[1]
        return self._total


class Quota:
    """Counts what apps do; a person on Google's own page is not counted."""

    def __init__(self, clock: Callable[[], datetime], limits: Limits) -> None:
        self._clock = clock
        self.limits = limits
        self._spent: dict[str, _Window] = {}
        self.refused: dict[str, int] = defaultdict(int)

    def change(self, given: Mapping[str, Any]) -> None:
        """Set limits by name; ValueError for an unknown one. `reset` forgets what was spent."""
        names = {each.name for each in fields(Limits)}
        values = dict(given)
        if values.pop("reset", False):
            self._spent.clear()
        preset = values.pop("preset", None)
        if preset is not None:
            self.limits = {"google": GOOGLE, "off": NO_LIMITS}.get(str(preset), self.limits)
        if unknown := set(values) - names:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if "blocked" in values:
            blocked = values["blocked"]
            values["blocked"] = tuple(
                str(each).lower() for each in ([blocked] if isinstance(blocked, str) else blocked)
            )
        self.limits = replace(self.limits, **values)

    def take(self, method: str, actor: Actor, calendar_id: str) -> None:
        """Pay for a call; 403 or 429 in Google's words where there is nothing left, and then it costs nothing."""
        if actor.scopes is None:
            return
        limits, price = self.limits, PRICES.get(method, 1)
        writes = method.split(".")[1] not in READS
        if writes:
            self._check_abuse(method, actor)
        self._check(f"user {actor.email}", limits.per_user_per_minute, price, "userRateLimitExceeded")
        self._check("project", limits.per_project_per_minute, price, "rateLimitExceeded")
        paid = [f"user {actor.email}", "project"]
        if writes and calendar_id:
            self._check(f"calendar {calendar_id}", limits.per_calendar_per_minute, price, "rateLimitExceeded")
            paid.append(f"calendar {calendar_id}")
        for name in paid:
            self._pay(name, price)

    def made(self, what: str, actor: Actor) -> None:
        """Count a new calendar, or a new event, against the limits of a day."""
        if actor.scopes is not None:
            self._pay(f"{what} {actor.email}", 1)

    def _check_abuse(self, method: str, actor: Actor) -> None:
        limits = self.limits
        over = actor.email in limits.blocked
        days = (("calendars", limits.calendars_per_day, "calendars.insert"), ("events", limits.events_per_day, ""))
        for what, limit, only in days:
            if limit is not None and (not only or method == only):
                over = over or self._sum(f"{what} {actor.email}") >= limit
        if over:
            self.refused["quotaExceeded"] += 1
            raise BLOCKED

    def _check(self, name: str, limit: int | None, price: int, reason: str) -> None:
        if limit is None or self._sum(name) + price <= limit:
            return
        self.refused[reason] += 1
        message = "User Rate Limit Exceeded" if reason.startswith("user") else "Rate Limit Exceeded"
        raise GoogleError(self.limits.status, reason, message, USAGE, retry_after=self.limits.retry_after)

    def _pay(self, name: str, price: int) -> None:
        self._window(name).spend(self._clock().timestamp(), price)

    def _sum(self, name: str) -> int:
        return self._window(name).sum(self._clock().timestamp())

    def _window(self, name: str) -> _Window:
        if name not in self._spent:
            self._spent[name] = _Window(DAY if name.startswith(("calendars ", "events ")) else MINUTE)
        return self._spent[name]

    def as_row(self) -> dict[str, Any]:
        """The limits, and how often each was hit."""
        limits = {each.name: getattr(self.limits, each.name) for each in fields(Limits)}
        return limits | {"blocked": list(self.limits.blocked), "refused": dict(self.refused)}
