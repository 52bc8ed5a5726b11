"""`GET /explain/{noun}/{id}`: what a sync of one record would do, told by the service that owns it. Writes nothing.

Identity, a word and counts alone: no client's values. Whoever is not admitted learns nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import structlog
from aiohttp import hdrs, web

from synckit.errors import PermanentError, RateLimited, SyncError, TransientError

log = structlog.get_logger(__name__)
EXPLAIN = "/explain/{noun}/{id}"
EXPLAIN_NOUN = "/explain/{noun}"
LONGEST_NAME = 100
RETRY_SECONDS = 5.0
PROBLEM = "application/problem+json"
TITLES = {
    "unauthenticated": (401, "No key, or none that is known."),
    "not_allowed": (403, "This key may not do that."),
    "unknown_noun": (404, "This service owns no such noun."),
    "unknown_record": (404, "No system knows this record."),
    "rate": (429, "Too many calls with this key."),
    "unavailable": (503, "A system is away, so that nothing can be said."),
}
"""Word of a refusal → status and title."""


@dataclass(frozen=True, slots=True)
class Explained:
    """How a sync would end. `outcome` is the owner's word, `writes` are calls by system, `ids` by system as well."""

    outcome: str
    writes: Mapping[str, int] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


class Explainer(Protocol):
    """Of one noun, in the service that owns it."""

    async def explain(self, name: str) -> Explained | None:
        """Without any effect. None where no system knows the record; TransientError where one is away."""


@runtime_checkable
class Lists(Protocol):
    """An explainer whose records are listed nowhere else."""

    async def names(self) -> Sequence[str]:
        """All that there are. TransientError where that can't be said."""


@dataclass(eq=False)
class Refused(Exception):
    """Why nothing is answered; `code` is one of `TITLES`."""

    code: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.code


Admit = Callable[[web.Request], Awaitable[None]]
"""Raises Refused where a request may not come in, TransientError where nobody can tell."""


class ExplainRoutes:
    """Adds both routes. `explainers`: noun → who explains it. `may_run`: False while a remote's circuit is open."""

    def __init__(
        self, explainers: Mapping[str, Explainer], admit: Admit, may_run: Callable[[], bool] = lambda: True
    ) -> None:
        self._explainers = explainers
        self._admit = admit
        self._may_run = may_run

    def add_to(self, app: web.Application) -> web.Application:
        app.router.add_get(EXPLAIN_NOUN, self._told(self._noun), allow_head=False)
        app.router.add_get(EXPLAIN, self._told(self._record), allow_head=False)
        return app

    def _told(
        self, answer: Callable[[web.Request, Explainer], Awaitable[Mapping[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                await self._admit(request)
                explainer = self._explainers.get(request.match_info["noun"])
                if explainer is None:
                    raise Refused("unknown_noun")
                return web.json_response(await answer(request, explainer), headers={hdrs.CACHE_CONTROL: "no-store"})
            except Refused as refused:
                return _problem(refused)
            except (TransientError, PermanentError) as error:
                log.warning("explain_failed", reason=error.code, error=str(error))
                return _problem(Refused("unavailable", _wish(error)))

        return handler

    async def _noun(self, request: web.Request, explainer: Explainer) -> Mapping[str, Any]:
        """`may_run`: whether a sync would be begun now. `?names=1`: with all names, null where others list them."""
        told: dict[str, Any] = {"noun": request.match_info["noun"], "may_run": self._may_run()}
        if request.query.get("names") == "1":
            told["names"] = list(await explainer.names()) if isinstance(explainer, Lists) else None
        return told

    async def _record(self, request: web.Request, explainer: Explainer) -> Mapping[str, Any]:
        name = request.match_info["id"]
        explained = None
        if len(name) <= LONGEST_NAME and name.isprintable():
            explained = await explainer.explain(name)
        if explained is None:
            raise Refused("unknown_record")
        return {
            "noun": request.match_info["noun"],
            "id": name,
            "ids": dict(explained.ids),
            "outcome": explained.outcome,
            "writes": dict(explained.writes),
        }


def _wish(error: SyncError) -> float:
    wish = error.retry_after if isinstance(error, TransientError | RateLimited) else None
    return wish or RETRY_SECONDS


def _problem(refused: Refused) -> web.Response:
    status, title = TITLES[refused.code]
    body = {"type": f"urn:problem:explain:{refused.code}", "title": title, "status": status, "code": refused.code}
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    if refused.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(max(1, math.ceil(refused.retry_after)))
    if status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="explain"'
    return web.json_response(body, status=status, headers=headers, content_type=PROBLEM)
