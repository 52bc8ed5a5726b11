"""Rows of a party that are written with it and read inside of it, as a `RowStore` of the engine."""

from __future__ import annotations

from typing import Any

from kanzlei.advoware.auth import UPSTREAM
from kanzlei.advoware.client import AdvowareClient, single
from synckit import clamps
from synckit.errors import Locked, RemoteRejected, RemoteUnavailable
from synckit.ports import Payload

CONFLICT = 409


class AdvowareRows:
    """One kind of rows of all parties. `collection` is e.g. `Kommunikationen`."""

    def __init__(self, client: AdvowareClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    async def write(self, record_id: str, row: str | None, body: Payload) -> Payload:
        """What the answer leaves out is as it was sent. Locked where a desk has the party open."""
        path = f"/Beteiligte/{record_id}/{self._collection}"
        if row is not None:
            told = single(await self._client.call("PUT", f"{path}/{row}", body=dict(body)), written=True)
            return _about(row, {**body, **told})
        try:
            made = single(await self._client.call("POST", path, body=dict(body)), written=True)
        except RemoteRejected as error:
            if error.status == CONFLICT:
                raise Locked(f"{UPSTREAM}: the record is open at a desk") from None
            raise
        return _about(None, {**body, **made})


def _about(row: str | None, told: dict[str, Any]) -> Payload:
    found = clamps.identity(told.get("id", row))
    if not found or (row is not None and found != row):
        raise RemoteUnavailable(UPSTREAM, "an answer about another row", maybe_applied=True)
    return {**told, "id": told.get("id", row)}
