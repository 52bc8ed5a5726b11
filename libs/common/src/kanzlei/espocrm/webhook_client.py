"""EspoCRM's Webhook records: list, create."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kanzlei.espocrm.client import EspoClient
from kanzlei.espocrm.webhooks import Webhook

MOST = 200
_ATTRIBUTES = ["event", "url", "secretKey", "isActive", "skipOwn"]


class EspoWebhooks:
    """An API user sees and makes its own webhooks only; its role needs the scope Webhook."""

    def __init__(self, client: EspoClient) -> None:
        self._client = client

    async def all(self) -> Sequence[Webhook]:
        """Every webhook of ours, with its key."""
        rows: list[Mapping[str, Any]] = []
        offset, has_more = 0, True
        while has_more:
            page = await self._client.page("Webhook", {"select": _ATTRIBUTES, "maxSize": MOST, "offset": offset})
            rows += page.rows
            offset, has_more = offset + page.shown, page.has_more
        return [await self._with_key(row) for row in rows]

    async def create(self, webhook: Webhook) -> Webhook:
        """RemoteRejected with 403 where the entity type is not available."""
        body = {"event": webhook.event, "url": webhook.url, "skipOwn": webhook.skip_own, "isActive": True}
        return await self._with_key(await self._client.call("POST", "/Webhook", body=body))

    async def _with_key(self, row: Mapping[str, Any]) -> Webhook:
        if not row.get("secretKey"):
            row = await self._client.call("GET", f"/Webhook/{row['id']}")
        return Webhook(
            event=str(row.get("event") or ""),
            url=str(row.get("url") or ""),
            id=str(row["id"]),
            secret_key=str(row.get("secretKey") or ""),
            is_active=row.get("isActive") is not False,
            skip_own=row.get("skipOwn") is not False,
        )
