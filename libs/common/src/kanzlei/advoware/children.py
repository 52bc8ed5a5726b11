"""Rows of a party (addresses, bank accounts) as a SearchableStore. Ids are `<betNr>/<id>`.

The API shows no single row: a row is read from the list of its party, and is gone only where the party agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kanzlei.advoware.auth import UPSTREAM
from kanzlei.advoware.client import NUMBER, AdvowareClient, AdvowareRecords
from recordsync.mapping.child import ChildOf
from synckit import clamps
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.ports import Payload, Snapshot

PARTIES = "/Beteiligte"


class AdvowareChildren:
    """One kind of rows of all parties. `collection` is e.g. `Adressen`."""

    def __init__(self, client: AdvowareClient, collection: str, child: ChildOf) -> None:
        self._client = client
        self._collection = collection
        self._child = child

    async def read(self, record_id: str) -> Snapshot | None:
        found = await self._of(record_id).read(self._child.row_of(record_id))
        return self._outwards(record_id, found) if found else None

    async def create(self, payload: Payload) -> Snapshot:
        """The party's number is in the payload, and goes into the path."""
        party = str(payload[self._child.number])
        body = {name: value for name, value in payload.items() if name != self._child.number}
        made = await self._rows(party).create(body)
        return replace(made, id=self._child.right_id(party, made.id))

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        return self._outwards(record_id, await self._of(record_id).update(self._child.row_of(record_id), payload))

    async def delete(self, record_id: str) -> None:
        """RemoteRejected with 403, always."""
        await self._of(record_id).delete(self._child.row_of(record_id))

    async def candidates(self, payload: Payload, since: datetime | None) -> Sequence[Snapshot]:
        """Rows of that party with the payload's identity, whenever they were made: rows have no time."""
        party, wanted = str(payload[self._child.number]), self._child.identity(payload)
        if not wanted:
            return []
        alike = await self._rows(party).matching(lambda row: self._child.identity(row) == wanted)
        return [replace(row, id=self._child.right_id(party, row.id)) for row in alike]

    def _of(self, record_id: str) -> _Rows:
        return self._rows(self._child.parent_of(record_id))

    def _rows(self, party: str) -> _Rows:
        return _Rows(self._client, party, self._collection, self._child.inline)

    @staticmethod
    def _outwards(record_id: str, found: Snapshot) -> Snapshot:
        return replace(found, id=record_id)


class _Rows(AdvowareRecords):
    """The rows of one party, by their own number."""

    def __init__(self, client: AdvowareClient, party: str, collection: str, inline: Sequence[str]) -> None:
        super().__init__(client, f"{PARTIES}/{party}/{collection}", "id")
        self._kind = f"{PARTIES}/{collection}"
        self._party = AdvowareRecords(client, PARTIES, NUMBER)
        self._party_id = party
        self._inline = inline

    async def read(self, record_id: str) -> Snapshot | None:
        """RemoteUnavailable where this very row is none, or where it may be one of those that have no number."""
        shown = await self._shown()
        if shown is None:
            return None
        own = [row for row in shown if self._id_of(row) == record_id]
        if own:
            return self._complete(own[0], record_id)
        if not all(self._id_of(row) for row in shown):
            raise RemoteUnavailable(UPSTREAM, "a list of which a row has no number")
        await self._require_gone(record_id)
        return None

    async def matching(self, is_meant: Callable[[Payload], bool]) -> list[Snapshot]:
        """Rows that are meant, each once. RemoteUnavailable where none of them can be read: "none" would make another.

        Other rows that are none are told and left out.
        """
        found: dict[str, Snapshot] = {}
        unread = False
        for row in await self._shown() or ():
            one = self._listed(row)
            if one is not None and is_meant(one.payload):
                found.setdefault(one.id, one)
            unread = unread or (one is None and isinstance(row, dict) and is_meant(row))
        if unread and not found:
            raise RemoteUnavailable(UPSTREAM, "a list of which the row meant can't be read")
        return list(found.values())

    def _listed(self, row: Any) -> Snapshot | None:
        """Told under the kind of row: the party's number is no word for a metric."""
        record_id = self._id_of(row)
        version = clamps.version(row.get("rowId")) if record_id else ""
        if not version:
            self._client.bad_row(self._kind, f"{self._party_id}/{record_id}")
            return None
        return self._snapshot(row, record_id, version)

    async def _shown(self) -> list[Any] | None:
        try:
            rows = await self._client.call("GET", self._collection)
        except RemoteRejected as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(rows, list):
            raise RemoteUnavailable(UPSTREAM, "a list without a list")
        return rows

    async def _require_gone(self, record_id: str) -> None:
        """An outage answers an empty list, too: RemoteUnavailable unless the party shows its rows, and not this one.

        A row without a number may be this one.
        """
        party = await self._party.read(self._party_id)
        if party is None:
            return
        shown: list[Any] | None = next(
            (party.payload[name] for name in self._inline if isinstance(party.payload.get(name), list)), None
        )
        if shown is None or any(self._id_of(row) in ("", record_id) for row in shown):
            raise RemoteUnavailable(UPSTREAM, "a list that lacks what the party has")
