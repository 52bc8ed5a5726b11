"""Tells users of EspoCRM: a post to one of them where our role may, else a post on the record's stream."""

from __future__ import annotations

from typing import Any

from synckit.adapters.espocrm import EspoClient, EspoStore
from synckit.errors import RemoteRejected

STREAM_POSTS = 200


class EspoNotifier:
    """Implements `ports.Notifier` for the records of one entity."""

    def __init__(self, client: EspoClient, entity_type: str) -> None:
        self._client = client
        self._entity_type = entity_type

    async def tell(self, record_id: str, user_id: str | None, text: str) -> None:
        """To the user, or where that is refused (a role without messages, a user that is gone) to the stream."""
        if user_id:
            try:
                await self._post({"targetType": "users", "usersIds": [user_id]}, text)
            except RemoteRejected:
                pass
            else:
                return
        await self._post({"parentType": self._entity_type, "parentId": record_id}, text)

    async def told(self, record_id: str, marker: str) -> bool:
        """Looks through our own notes, and where we may not list them, through the record's stream."""
        where = [{"type": "contains", "attribute": "post", "value": marker}]
        notes = EspoStore(self._client, "Note")
        try:
            return any([True async for _ in notes.select(where, ("post",), limit=1)])
        except RemoteRejected:
            return await self._is_on_stream(record_id, marker)

    async def _is_on_stream(self, record_id: str, marker: str) -> bool:
        try:
            stream = await self._client.call(
                "GET", f"/{self._entity_type}/{record_id}/stream", params={"maxSize": str(STREAM_POSTS)}
            )
        except RemoteRejected:
            return False
        posts = stream.get("list", []) if isinstance(stream, dict) else []
        return any(marker in str(post.get("post") or "") for post in posts)

    async def _post(self, addressee: dict[str, Any], text: str) -> None:
        await self._client.call("POST", "/Note", body={"type": "Post", **addressee, "post": text})
