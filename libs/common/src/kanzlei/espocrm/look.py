"""Reads an EspoCRM: what its API user is shown, and what an administrator is shown besides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kanzlei.espocrm.api import Api
from kanzlei.espocrm.observed import Installation, Json, part
from kanzlei.espocrm.plan import Administration
from kanzlei.espocrm.schema import Target
from kanzlei.espocrm.webhooks import Webhook

LAYOUTS = ("detail", "filters")
PAGE, MOST_WEBHOOKS = 50, 1000
"""Rows of a page, and where we stop; EspoCRM lets an API user have 50."""


async def installation(api: Api, target: Target) -> Installation:
    """One call for who we are, three for each entity type, one for the webhooks."""
    shown = await api.call("GET", "/App/user")
    settings = part(shown, "settings")
    scopes = [entity.scope for entity in target.entities]
    logic = {scope: await _logic(api, scope) for scope in scopes if scope == "CBeteiligte"}
    return Installation(
        version=str(settings.get("version") or ""),
        definitions={scope: await _metadata(api, f"entityDefs.{scope}") or None for scope in scopes},
        scopes={scope: await _metadata(api, f"scopes.{scope}") for scope in scopes},
        logic=logic,
        acl=part(shown, "acl"),
        settings=settings,
        user=part(shown, "user"),
        webhooks=await _webhooks(api, settings),
        clock_skew=api.skew,
    )


async def administration(api: Api, target: Target, user_name: str) -> Administration:
    """Refused where the credentials are no administrator's."""
    seen = await installation(api, target)
    layouts = {
        (scope, name): await _layout(api, scope, name)
        for scope, defined in seen.definitions.items()
        if defined
        for name in LAYOUTS
    }
    return Administration(
        installation=seen,
        role=await api.first("Role", "name", target.role.name),
        user=await api.first("User", "userName", user_name),
        job=await api.first("ScheduledJob", "job", target.job.job),
        layouts=layouts,
    )


async def _metadata(api: Api, key: str) -> Json:
    found = await api.read("/Metadata", {"key": key})
    return found if isinstance(found, Mapping) else {}


async def _logic(api: Api, scope: str) -> Json:
    """Where the rules of a form stand: `logicDefs` in new versions, `clientDefs` in older ones."""
    new = await _metadata(api, f"logicDefs.{scope}")
    return new or part(await _metadata(api, f"clientDefs.{scope}"), "dynamicLogic")


async def _layout(api: Api, scope: str, name: str) -> Sequence[Any] | None:
    found = await api.read(f"/{scope}/layout/{name}")
    return found if isinstance(found, list) else None


async def _webhooks(api: Api, settings: Json) -> tuple[Webhook, ...] | None:
    """All pages, each as large as this EspoCRM gives them; None where they may not be read."""
    limit = settings.get("recordListMaxSizeLimit")
    size = min(PAGE, limit) if isinstance(limit, int) and limit > 0 else PAGE
    rows: list[Mapping[str, Any]] = []
    while True:
        search = {"select": ["event", "url", "isActive", "skipOwn"], "maxSize": size, "offset": len(rows)}
        found = await api.read("/Webhook", {"searchParams": json.dumps(search)})
        page = found.get("list") if isinstance(found, Mapping) else None
        if not isinstance(page, list):
            return None
        rows += [row for row in page if isinstance(row, Mapping)]
        if len(page) < size or len(rows) >= MOST_WEBHOOKS:
            return tuple(_webhook(row) for row in rows)


def _webhook(row: Mapping[str, Any]) -> Webhook:
    return Webhook(
        event=str(row.get("event") or ""),
        url=str(row.get("url") or ""),
        id=str(row.get("id") or ""),
        is_active=row.get("isActive") is not False,
        skip_own=row.get("skipOwn") is not False,
    )
