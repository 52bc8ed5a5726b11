"""The services' own check of the installation: at start and once a day, beside their work and never in its way.

Each difference is one warning in the log, a number in a metric, and a line at `/health/installation`; readiness does
not depend on it, for most of the sync works all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from aiohttp import web

from kanzlei.espocrm import metrics
from kanzlei.espocrm.api import LIMITS, Api
from kanzlei.espocrm.client import EspoAuth
from kanzlei.espocrm.difference import Difference, Severity
from kanzlei.espocrm.differences import differences
from kanzlei.espocrm.look import installation
from kanzlei.espocrm.observed import Installation
from kanzlei.espocrm.schema import Target
from kanzlei.espocrm.target import target
from kanzlei.settings import EspoCrmSection
from synckit.errors import SyncError
from synckit.http.wiring import Wiring
from synckit.ports import Clock
from synckit.service import remote_metrics

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 24 * 3600.0
RETRY_SECONDS = 600.0
"""After EspoCRM could not be asked. Long, as a refused key must not lock our address out."""
Look = Callable[[], Awaitable[Installation]]


class InstallationWatch:
    """Looks, compares, tells. `forever` is a background step of a service and ends only with it."""

    def __init__(self, look: Look, wanted: Target, clock: Clock) -> None:
        self._look = look
        self._wanted = wanted
        self._clock = clock
        self._found: Sequence[Difference] = ()
        self._checked_at: datetime | None = None

    async def forever(self) -> None:
        while True:
            await self._clock.sleep(AGAIN_SECONDS if await self.check() else RETRY_SECONDS)

    async def check(self) -> bool:
        """False where EspoCRM could not be asked: what was found before stands."""
        try:
            found = differences(await self._look(), self._wanted)
        except SyncError as error:
            log.warning("installation_not_checked", reason=error.code, error=str(error))
            return False
        except Exception:
            log.exception("installation_not_checked", reason="bug")
            return False
        self._found, self._checked_at = found, self._clock.now()
        for severity in Severity:
            metrics.espocrm_differences(severity.value, sum(each.severity is severity for each in found))
        for each in found:
            hint = f"{each.where}: {each.what}; {each.mend}"
            log.warning("espocrm_differs", code=each.code, kind=each.severity.value, hint=hint)
        return True

    def add_to(self, app: web.Application) -> web.Application:
        """Adds `/health/installation`."""
        app.router.add_get("/health/installation", self._show)
        return app

    async def _show(self, _: web.Request) -> web.Response:
        at = self._checked_at.isoformat() if self._checked_at else None
        return web.json_response({"checked_at": at, "differences": [each.as_json() for each in self._found]})


def watch_of(section: EspoCrmSection, clock: Clock, *, service: str, parts: Sequence[str] = ()) -> InstallationWatch:
    """The watch of one service, with a connection of its own that is closed after each look.

    `parts`: what it needs besides, as `kanzlei.espocrm install --with` takes them.
    """
    secret = section.hmac_secret_key
    auth = EspoAuth(section.api_key.get_secret_value(), secret.get_secret_value() if secret else None)
    wiring = Wiring(limits=LIMITS, on_call=remote_metrics.api_call, agent=f"{service}-check")
    wanted = target(parts)

    async def look() -> Installation:
        api = Api(section.base_url, auth.headers, wiring)
        try:
            return await installation(api, wanted)
        finally:
            await api.close()

    return InstallationWatch(look, wanted, clock)
