"""Tells users of EspoCRM: a post to one of them where our role may, else a post on the record's stream."""

from __future__ import annotations

from typing import Any

from kanzlei.espocrm.client import EspoClient, EspoStore
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
        async def ask(size: int) -> Any:
            path = f"/{self._entity_type}/{record_id}/stream"
            return await self._client.call("GET", path, params={"maxSize": str(size)})

        try:
            stream, _ = await self._client.in_pages(STREAM_POSTS, ask)
        except RemoteRejected:
            return False
        posts = stream.get("list") if isinstance(stream, dict) else None
        shown = posts if isinstance(posts, list) else []
        return any(marker in str(post.get("post") or "") for post in shown if isinstance(post, dict))

    async def _post(self, addressee: dict[str, Any], text: str) -> None:
        await self._client.call("POST", "/Note", body={"type": "Post", **addressee, "post": text})
