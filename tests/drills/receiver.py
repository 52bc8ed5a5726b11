"""Takes what Prometheus sends to an Alertmanager: which alerts have fired since it was last asked to forget."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from deploy.local.ports import LOOPBACK


class Receiver:
    """Listens on any port of this machine; `port` is known once it has started."""

    def __init__(self) -> None:
        self.port = 0
        self._fired: dict[str, dict[str, str]] = {}
        self._news = asyncio.Condition()
        app = web.Application()
        app.router.add_post("/api/v2/alerts", self._take)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    def forget(self) -> None:
        """What has fired until now."""
        self._fired.clear()

    def has(self, alert: str) -> bool:
        return alert in self._fired

    async def heard(self, alert: str) -> dict[str, str]:
        """Waits for the alert; its labels."""
        async with self._news:
            await self._news.wait_for(lambda: alert in self._fired)
        return self._fired[alert]

    async def _take(self, request: web.Request) -> web.Response:
        alerts: list[dict[str, Any]] = await request.json()
        async with self._news:
            for each in alerts:
                self._fired[each["labels"]["alertname"]] = each["labels"]
            self._news.notify_all()
        return web.json_response({})
