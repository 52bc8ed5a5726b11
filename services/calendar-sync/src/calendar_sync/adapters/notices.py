"""Tells people what runs decided: a note in EspoCRM, once for each cause; without EspoCRM a line of the log.

To the EspoCRM user with the employee's address, else to NOTIFY_USER. The text holds client data: it goes into EspoCRM
alone, the log gets the kind of the cause. What can't be told now waits in the outbox for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from synckit.errors import RemoteRejected, SyncError
from synckit.postgres.pool import PostgresPool

log = structlog.get_logger(__name__)
TO_USER, TO_IT, TO_LOG = "user", "notify_user", "log"
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that nobody has been given yet."""

    kind: str
    key: str
    text: str = field(repr=False)
    email: str


class Outbox(Protocol):
    """Notices, written down with the run that decided them."""

    async def waiting(self, kuerzel: str) -> Sequence[Waiting]: ...

    async def posted(self, kuerzel: str, notice: Waiting, way: str) -> None: ...


class PostgresOutbox:
    """An `Outbox`. What is posted keeps its cause and loses its text."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def waiting(self, kuerzel: str) -> Sequence[Waiting]:
        found = await self._pool.fetch(
            "SELECT n.kind, n.key, n.text, coalesce(e.doc ->> 'email', '') AS email FROM calendar_sync.notice n "
            "LEFT JOIN calendar_sync.employee e USING (kuerzel) "
            "WHERE n.kuerzel = $1 AND n.posted_at IS NULL ORDER BY n.at, n.kind, n.key LIMIT $2",
            kuerzel,
            AT_ONCE,
        )
        return [Waiting(row["kind"], row["key"], row["text"], row["email"]) for row in found]

    async def posted(self, kuerzel: str, notice: Waiting, way: str) -> None:
        await self._pool.fetch(
            "UPDATE calendar_sync.notice SET posted_at = clock_timestamp(), way = $4, text = '' "
            "WHERE kuerzel = $1 AND kind = $2 AND key = $3",
            kuerzel,
            notice.kind,
            notice.key,
            way,
            writes=True,
        )


class Espo(Protocol):
    """Calls of EspoCRM's REST interface."""

    async def call(self, method: str, path: str, *, body: object = None) -> Any: ...

    async def page(self, entity_type: str, search: Mapping[str, Any]) -> Any: ...


class Notices:
    """`agents.Telling`."""

    def __init__(
        self, espo: Espo | None, outbox: Outbox, notify_user: str, on_told: Callable[[str], None] = lambda _way: None
    ) -> None:
        self._espo = espo
        self._outbox = outbox
        self._notify_user = notify_user
        self._on_told = on_told

    async def tell(self, kuerzel: str) -> None:
        """All that waits. Never fails a run for EspoCRM's sake."""
        for notice in await self._outbox.waiting(kuerzel):
            try:
                way = await self._deliver(notice)
            except SyncError as error:
                log.warning("calendar.notice_waits", kind=notice.kind, reason=error.code)
                return
            await self._outbox.posted(kuerzel, notice, way)
            self._on_told(way)

    async def _deliver(self, notice: Waiting) -> str:
        """The way that it went."""
        if self._espo is not None:
            for way, user in await self._addressees(self._espo, notice):
                if await _posted(self._espo, user, notice.text):
                    return way
        log.warning("calendar.notice", kind=notice.kind, hint="nobody in EspoCRM could be told: see the run's report")
        return TO_LOG

    async def _addressees(self, espo: Espo, notice: Waiting) -> list[tuple[str, str]]:
        found = [(TO_USER, user) for user in await _users_of(espo, notice.email)] if notice.email else []
        return [*found, *([(TO_IT, self._notify_user)] if self._notify_user else [])]


async def _users_of(espo: Espo, email: str) -> list[str]:
    """The active user with this address; none where there are several, or our role may not look."""
    where = [
        {"type": "equals", "attribute": "emailAddress", "value": email},
        {"type": "isTrue", "attribute": "isActive"},
    ]
    try:
        page = await espo.page("User", {"where": where, "select": ["id"], "maxSize": 2})
    except RemoteRejected:
        return []
    found = [str(row["id"]) for row in page.rows]
    return found if len(found) == 1 else []


async def _posted(espo: Espo, user: str, text: str) -> bool:
    """False where EspoCRM refuses: the user is gone, or our role may not."""
    try:
        await espo.call("POST", "/Note", body={"type": "Post", "targetType": "users", "usersIds": [user], "post": text})
    except RemoteRejected:
        return False
    return True
