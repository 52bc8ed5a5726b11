"""The bounded log of the requests that a sandbox has seen, in the order in which they came in."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

CAPACITY = 200_000


@dataclass
class Call:
    """One request. `status` is what the client got (None: nothing, or not yet), `effect` what the handler said.

    `caller` is who it counts for, `agent` the process as its User-Agent names it.
    """

    seq: int
    method: str
    path: str
    query: str
    record: str | None
    caller: str | None
    started: float
    started_at: float
    ended: float | None = None
    ended_at: float | None = None
    agent: str | None = None
    status: int | None = None
    effect: int | None = None
    fault: str | None = None


@dataclass(frozen=True)
class CallFilter:
    """Which calls a question is about; None means all."""

    record: str | None = None
    method: str | None = None
    path: re.Pattern[str] | None = None
    caller: str | None = None
    since: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> CallFilter:
        """Read ?record=&method=&path=<regex>&caller=&since=<seq>; raises ValueError for a bad number or expression."""
        try:
            path = re.compile(query["path"]) if "path" in query else None
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error
        return cls(
            query.get("record"), query.get("method"), path, query.get("caller"), int(query.get("since", "0") or 0)
        )

    def accepts(self, call: Call) -> bool:
        """True where the call is one of those asked for."""
        wanted = ((self.record, call.record), (self.method, call.method), (self.caller, call.caller))
        if call.seq <= self.since or any(want is not None and want != have for want, have in wanted):
            return False
        return self.path is None or self.path.search(call.path) is not None


class CallLog:
    """Keeps the newest calls; `last_seq` goes on growing when the log is cleared or has overflowed."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._calls: deque[Call] = deque(maxlen=capacity)
        self.last_seq = 0
        self.dropped = 0

    def begin(self, method: str, path: str, query: str, record: str | None, caller: str | None) -> Call:
        """Note that a request came in."""
        self.last_seq += 1
        if len(self._calls) == self._calls.maxlen:
            self.dropped += 1
        call = Call(self.last_seq, method, path, query, record, caller, time.monotonic(), time.time())
        self._calls.append(call)
        return call

    @staticmethod
    def end(call: Call, status: int | None) -> None:
        """Note that the request was answered with this status, or that its connection ended without one."""
        call.status, call.ended, call.ended_at = status, time.monotonic(), time.time()

    def clear(self) -> None:
        """Forget all calls; numbers go on."""
        self._calls.clear()

    def find(self, wanted: CallFilter) -> Iterator[Call]:
        """The calls asked for, oldest first."""
        return (call for call in self._calls if wanted.accepts(call))

    def as_rows(self, wanted: CallFilter) -> list[dict[str, Any]]:
        """The same as JSON objects."""
        return [asdict(call) for call in self.find(wanted)]

    def count(self, wanted: CallFilter) -> dict[str, Any]:
        """Totals of the calls asked for: all, writes, by method, by record, by status."""
        calls = list(self.find(wanted))
        return {
            "total": len(calls),
            "writes": sum(call.method not in ("GET", "HEAD", "OPTIONS") for call in calls),
            "in_progress": sum(call.ended is None for call in calls),
            "by_method": Counter(call.method for call in calls),
            "by_record": Counter(call.record for call in calls if call.record is not None),
            "by_status": Counter(str(call.status) for call in calls if call.ended is not None),
        }
