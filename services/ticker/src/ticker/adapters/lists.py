"""The two remotes' lists, as the looks want them: ids, times and row ids, nothing else is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, cast

import structlog

from kanzlei.advoware.client import AdvowareBeteiligteStore
from kanzlei.consultations import NEXT_CALL, NOUN, next_call
from kanzlei.espocrm.client import EspoClient, EspoStore
from recordsync.mapping.rows import as_seen
from synckit import clamps
from synckit.errors import SyncError
from synckit.ports import Snapshot
from ticker.consultations import Due
from ticker.domain.entities import BETEILIGTE, Watched
from ticker.domain.queries import Where
from ticker.domain.rows import LeftRow, PartyRow, RightRow

log = structlog.get_logger(__name__)


class EspoLists:
    """`ticker.handlers.LeftLists`."""

    def __init__(self, client: EspoClient, left_type: str = BETEILIGTE.left_type) -> None:
        self._client = client
        self._store = EspoStore(client, left_type)
        self._our_user: str | None = None

    async def matching(self, where: Where) -> AsyncGenerator[str, None]:
        async for row in self._store.select(where, ["id"]):
            yield str(row["id"])

    async def changed_since(self, since: datetime) -> AsyncGenerator[LeftRow, None]:
        async for record_id, changed_at, row in self._store.changed_since(since, ["modifiedById"]):
            modified_by = row.get("modifiedById")
            yield LeftRow(record_id, changed_at, str(modified_by) if modified_by else None)

    async def our_user(self) -> str | None:
        """Asked once. Not knowing it costs a look at records that we wrote ourselves, no more."""
        if self._our_user is None:
            try:
                told = await self._client.call("GET", "/App/user")
            except SyncError as error:
                log.warning("our_user_unknown", reason=error.code)
                return None
            self._our_user = _user_id(told)
        return self._our_user


class EspoConsultations:
    """`ticker.consultations.DueLists`."""

    def __init__(self, client: EspoClient) -> None:
        self._store = EspoStore(client, NOUN.espocrm)

    async def due(self, where: Where, limit: int) -> AsyncGenerator[Due, None]:
        """A row that does not say since when is of none's interest."""
        async for row in self._store.select(where, [NEXT_CALL], limit=limit, by=NEXT_CALL):
            since = next_call(row)
            if since is not None:
                yield Due(str(row["id"]), since)


class AdvowareLists:
    """`ticker.handlers.RightLists`."""

    def __init__(self, store: AdvowareBeteiligteStore) -> None:
        self._store = store

    async def changed_since(self, since: datetime) -> AsyncGenerator[RightRow, None]:
        rows = cast("AsyncGenerator[Any, None]", self._store.changed_since(since))
        async with aclosing(rows):
            async for snapshot in rows:
                yield RightRow(snapshot.id, snapshot.version or "")

    async def with_rows(self, kinds: Sequence[Watched]) -> AsyncGenerator[PartyRow, None]:
        """All parties. One that does not show its rows has none, as far as a look is concerned."""
        parties = cast("AsyncGenerator[Any, None]", self._store.list({}))
        async with aclosing(parties):
            async for party in parties:
                children = {kind.entity: _rows(party, kind.inline) for kind in kinds}
                yield PartyRow(party.id, children, as_seen(party.payload))


def _rows(party: Snapshot, inline: Sequence[str]) -> dict[str, str]:
    shown: list[Any] = next((party.payload[name] for name in inline if isinstance(party.payload.get(name), list)), [])
    rows = [
        (clamps.identity(row.get("id")), clamps.version(row.get("rowId"))) for row in shown if isinstance(row, dict)
    ]
    return {f"{party.id}/{number}": version for number, version in rows if number and version}


def _user_id(told: Any) -> str | None:
    user = told.get("user") if isinstance(told, dict) else None
    found = user.get("id") if isinstance(user, dict) else None
    return str(found) if found else None
