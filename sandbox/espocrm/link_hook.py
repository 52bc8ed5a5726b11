"""What an installed hook does after two records were linked or unlinked: a job, and the job's request to the ingress.

EspoCRM itself has no webhook for that. The hook (deploy/espocrm in this repository) signs with the key of a webhook
that is registered already, and sends to the same address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.espocrm.events import LinkJob
from sandbox.espocrm.phpjson import dumps
from sandbox.espocrm.signature import signatures
from sandbox.espocrm.store import Record
from sandbox.espocrm.world import World

TYPES = (
    "CBeteiligte",
    "CAdressen",
    "CBankverbindungen",
    "CDokumente",
    "CVmhRumungsklage",
    "CVmhErstgespraech",
    "Account",
)
PREFIX = "/vmh/webhook/"
GUIDE = PREFIX + "beteiligte/update"
DELAYS = (60.0, 300.0, 900.0, 3600.0)
"""Seconds until the next try; after the last one the link is left to whoever looks for lost ones."""
REFUSED = frozenset({400, 413})
Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]


def related(world: World, left: tuple[str, str], link: str, right: tuple[str, str], *, linked: bool) -> None:
    """The hook: `left` and `right` are (type, id). Other types are nobody's business."""
    if world.settings.link_hook and left[0] in TYPES and right[0] in TYPES:
        pair = {"leftType": left[0], "leftId": left[1], "rightType": right[0], "rightId": right[1], "link": link}
        world.events.link_jobs.append(LinkJob("link" if linked else "unlink", pair))


class LinkJobs:
    """The job: one request a pair, tried again later unless it was taken or refused."""

    def __init__(self, world: World, post: Post) -> None:
        self.world = world
        self._post = post

    async def run(self) -> None:
        """All that are due."""
        events, now = self.world.events, self.world.clock.monotonic()
        for job in [one for one in events.link_jobs if one.due <= now]:
            code = await self._send(job)
            if 200 <= code < 300 or code in REFUSED or job.attempts >= len(DELAYS):
                events.link_counts["sent" if 200 <= code < 300 else "failed"] += 1
                if job in events.link_jobs:
                    events.link_jobs.remove(job)
            else:
                job.due = self.world.clock.monotonic() + DELAYS[job.attempts]
                job.attempts += 1

    async def _send(self, job: LinkJob) -> int:
        guide = self._guide()
        if guide is None:
            return 0
        body = dumps(job.pair).encode()
        base, _, _ = str(guide.values["url"]).partition(PREFIX)
        signed = signatures(guide.id, str(guide.values.get("secretKey")), body)["Signature"]
        headers = {"Content-Type": "application/json", "Signature": signed}
        return await self._post(f"{base}{PREFIX}entity/{job.action}", body, headers)

    def _guide(self) -> Record | None:
        """The newest active webhook that goes to an ingress: says where that is, and has a key that is known there."""
        found = [one for one in self.world.store.live("Webhook") if _leads(one.values)]
        return max(found, key=lambda one: (str(one.values.get("createdAt")), one.id), default=None)


def _leads(values: dict[str, Any]) -> bool:
    return bool(values.get("isActive", True)) and str(values.get("url")).endswith(GUIDE)
