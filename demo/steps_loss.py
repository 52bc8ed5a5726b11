"""Steps 9 and 10: webhooks that never come, and one that should never have come."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets

import aiohttp

from demo import people
from demo.morning import Morning
from demo.topics import TopicWatch
from demo.wait import StepFailedError, expect, until

UPDATE = "/vmh/webhook/beteiligte/update"


async def lose_webhooks(morning: Morning) -> str:
    """EspoCRM's webhook job is off during two changes and a new party: the ticker finds all three."""
    espo, advo = morning.espo, morning.advo
    one, other = await morning.link(*people.UNHEARD)
    await espo.job(enabled=False)
    try:
        sent_before = int((await espo.job(enabled=False))["sent"])
        began = asyncio.get_running_loop().time()
        for linked in (one, other):
            await espo.change(linked.left, titel=people.UNHEARD_TITLE)
        newcomer = await espo.create_person(people.UNHEARD_NEWCOMER)
        for linked in (one, other):
            await advo.until_shows(linked.right, "its title", titel=people.UNHEARD_TITLE)
            await espo.until_shows(linked.left, "clean", syncStatus="clean")
        linked = await espo.until_linked(newcomer)
        took = asyncio.get_running_loop().time() - began
        sent = int((await espo.job(enabled=False, clear=True))["sent"]) - sent_before
    finally:
        await espo.job(enabled=True, clear=True)
    expect(sent == 0, f"{sent} webhooks were sent after all")
    return f"no webhook sent; two changes and the new party {linked.right} in Advoware after {took:.1f} s"


async def forge_a_signature(morning: Morning) -> str:
    """A webhook with a forged signature comes in: 401, nothing is published (all topics read with a Kafka consumer)."""
    webhook_id, secret, path = await _update_webhook(morning)
    url = morning.addresses.services["webhook-ingress"] + path
    forged_id, real_id = secrets.token_hex(9)[:17], secrets.token_hex(9)[:17]
    forged, real = (json.dumps([{"id": record, "titel": "x"}]).encode() for record in (forged_id, real_id))
    async with TopicWatch(morning.addresses.kafka_access) as watch:
        statuses = [
            await _send(url, forged, _signed(webhook_id, "0" * 32, forged)),
            await _send(url, forged, _signed(webhook_id, secret, forged + b" ")),
            await _send(url, forged, {}),
        ]
        expect(statuses == [401, 401, 401], f"answered with {statuses}, not with 401")
        accepted = await _send(url, real, _signed(webhook_id, secret, real))
        expect(accepted == 200, f"a rightly signed one was answered with {accepted}")

        async def arrived() -> bool | None:
            await watch.read()
            return True if watch.mentions(real_id) else None

        await until(arrived, "the rightly signed webhook on its topic")
        expect(not watch.mentions(forged_id), "something of the forged webhook was published")
        return f"401 three times and nothing on any of {watch.topics} topics, where a rightly signed one did arrive"


async def _update_webhook(morning: Morning) -> tuple[str, str, str]:
    """Id, secret and path of the webhook that tells of changes, as our own API user sees it in EspoCRM."""
    key = {"X-Api-Key": morning.addresses.espocrm_api_key}
    found = await morning.espo.ask("GET", "/api/v1/Webhook", headers=key)
    for row in found["list"]:
        if row["event"] == "CBeteiligte.update":
            webhook = await morning.espo.ask("GET", f"/api/v1/Webhook/{row['id']}", headers=key)
            return str(webhook["id"]), str(webhook["secretKey"]), UPDATE
    raise StepFailedError("EspoCRM has no webhook for CBeteiligte.update")


def _signed(webhook_id: str, secret: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Signature": base64.b64encode(f"{webhook_id}:{digest}".encode()).decode()}


async def _send(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers={"Content-Type": "application/json", **headers}) as answer,
    ):
        return answer.status
