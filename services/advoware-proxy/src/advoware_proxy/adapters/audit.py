"""The audit in PostgreSQL: lines wait in a bounded queue and are written together, many to a transaction.

An announced line is on disk before its call goes on. Where the database is away the queue fills, and nothing passes.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from advoware_proxy import metrics
from advoware_proxy.domain.calls import Entry
from synckit.errors import RemoteUnavailable, SyncError
from synckit.ports import Clock
from synckit.postgres.pool import DatabaseDefect, PostgresPool

log = structlog.get_logger(__name__)
UPSTREAM = "audit"
_WRITE = """
INSERT INTO proxy_audit AS a (call_id, at, key_id, method, pattern, outcome, status, ms, calls)
SELECT call_id, now(), key_id, method, pattern, outcome, status, ms, calls
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[])
     AS line (call_id, key_id, method, pattern, outcome, status, ms, calls)
ON CONFLICT (call_id) DO UPDATE SET outcome = excluded.outcome, status = excluded.status, ms = excluded.ms
WHERE a.status IS NULL
"""


_WORDS = {401: "unauthenticated"}


@dataclass(slots=True)
class _Line:
    entry: Entry
    calls: int = 1
    written: asyncio.Future[None] | None = None


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """Lines that may wait, lines to a statement, and seconds that a call waits for its line."""

    queue: int = 2000
    batch: int = 500
    seconds: float = 3.0
    pause: float = 0.5


class PostgresAudit:
    """`handlers.ports.Audit`; `write_forever` has to run beside it."""

    def __init__(self, pool: PostgresPool, clock: Clock, limits: AuditLimits | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._limits = limits or AuditLimits()
        self._waiting: deque[_Line] = deque()
        self._nobody: Counter[tuple[str, int]] = Counter()
        self._wake = asyncio.Event()
        self._failing = False

    async def announce(self, entry: Entry) -> None:
        written = asyncio.get_running_loop().create_future()
        self._put(_Line(entry, written=written))
        try:
            async with asyncio.timeout(self._limits.seconds):
                await written
        except TimeoutError:
            raise RemoteUnavailable(UPSTREAM, "not written in time") from None

    def record(self, entry: Entry) -> None:
        self._put(_Line(entry))

    def nobody(self, method: str, status: int) -> None:
        self._nobody[method, status] += 1

    async def probe(self) -> None:
        """For readiness."""
        if self._failing or len(self._waiting) >= self._limits.queue:
            raise RemoteUnavailable(UPSTREAM, "can't be written")

    async def write_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if not await self._write_some():
                    await self._clock.sleep(self._limits.pause)

    async def count_forever(self) -> None:
        """A line a second for all that nobody called with one method and one answer."""
        while True:
            await self._clock.sleep(1.0)
            self._count()

    async def close(self) -> None:
        """Writes what still waits, once."""
        self._count()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.seconds):
                while self._waiting and await self._write_some():
                    pass

    def _count(self) -> None:
        if len(self._waiting) >= self._limits.queue:
            return
        strangers, self._nobody = self._nobody, Counter()
        for (method, status), calls in strangers.items():
            outcome = _WORDS.get(status, "unavailable")
            self._waiting.append(_Line(Entry(str(uuid4()), "", method, "", outcome, status), calls))
            self._wake.set()

    def _put(self, line: _Line) -> None:
        if len(self._waiting) >= self._limits.queue:
            raise RemoteUnavailable(UPSTREAM, "too many lines wait")
        self._waiting.append(line)
        metrics.PROXY_AUDIT_WAITING.set(len(self._waiting))
        self._wake.set()

    async def _write_some(self) -> bool:
        batch = [self._waiting.popleft() for _ in range(min(self._limits.batch, len(self._waiting)))]
        try:
            await self._insert(batch)
        except (SyncError, DatabaseDefect) as error:
            self._failed(error, batch)
            return False
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        self._failing = False
        for line in batch:
            if line.written is not None and not line.written.done():
                line.written.set_result(None)
        metrics.PROXY_AUDIT_WAITING.set(len(self._waiting))
        return True

    def _failed(self, error: Exception, batch: list[_Line]) -> None:
        """An announced call is refused, so its line need not be kept; the ends of calls are."""
        if not self._failing:
            log.error("audit_not_written", error_type=type(error).__name__, count=len(batch))
        self._failing = True
        for line in batch:
            if line.written is not None and not line.written.done():
                line.written.set_exception(RemoteUnavailable(UPSTREAM, "can't be written"))
        self._waiting.extendleft(line for line in reversed(batch) if line.written is None)

    async def _insert(self, lines: list[_Line]) -> None:
        """One line a call: a statement may touch a row only once, and the later line says more."""
        rows = {line.entry.call_id: line for line in lines}.values()
        entries = [line.entry for line in rows]
        await self._pool.fetch(
            _WRITE,
            [UUID(one.call_id) for one in entries],
            [one.key_id for one in entries],
            [one.method for one in entries],
            [one.pattern for one in entries],
            [one.outcome for one in entries],
            [one.status for one in entries],
            [one.ms for one in entries],
            [line.calls for line in rows],
            writes=True,
        )
