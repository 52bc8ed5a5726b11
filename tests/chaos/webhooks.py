"""Webhooks as EspoCRM signs them, sent at fixed moments: a slow answer delays no later one, nor hides its delay.

`python -m tests.chaos.webhooks URL SECRETS PER_SECOND SECONDS`: from a process whose loop nothing else holds up.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from synckit.command import run_command

PATH = "/vmh/webhook/beteiligte/update"
LONGEST = 4 * 1024 * 1024 - 1


@dataclass(frozen=True)
class Sent:
    """One webhook about a record that nobody has. `status` 0: no answer. `took` counts from the moment it was due."""

    record: str
    due: float
    status: int
    took: float


@dataclass(frozen=True)
class Key:
    """A webhook's id and secret, as the registration wrote them."""

    id: str
    secret: str

    @classmethod
    def of(cls, secrets_file: Path) -> Key:
        known = json.loads(secrets_file.read_text())
        name, secret = next(iter(known.items()))
        return cls(name, secret if isinstance(secret, str) else secret[0])

    def headers(self, body: bytes) -> dict[str, str]:
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        signature = base64.b64encode(f"{self.id}:{digest}".encode()).decode()
        return {"Content-Type": "application/json", "Signature": signature}


async def send(url: str, key: Key, *, per_second: float, seconds: float) -> list[Sent]:
    """So many a second, each with an id of its own; all answers."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session:
        began, tasks = time.time(), []
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.time()))
            tasks.append(asyncio.create_task(_one(session, url, key, due)))
        return list(await asyncio.gather(*tasks))


async def _one(session: aiohttp.ClientSession, url: str, key: Key, due: float) -> Sent:
    record = secrets.token_hex(9)[:17]
    body = json.dumps([{"id": record, "titel": "x"}]).encode()
    try:
        async with session.post(url + PATH, data=body, headers=key.headers(body)) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return Sent(record, due, status, time.time() - due)


def quantile(seconds: list[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def told(sent: list[Sent]) -> dict[str, float | int]:
    """Figures of one stretch."""
    took = [each.took for each in sent]
    by_status = {f"answered {status}": sum(s.status == status for s in sent) for status in {s.status for s in sent}}
    return {"sent": len(sent), **by_status, "p50 ms": quantile(took, 0.5), "p99 ms": quantile(took, 0.99)}


def main() -> int:
    url, secrets_file, per_second, seconds = sys.argv[1:]
    sent = asyncio.run(send(url, Key.of(Path(secrets_file)), per_second=float(per_second), seconds=float(seconds)))
    sys.stdout.write(json.dumps(told(sent)))
    return 0


if __name__ == "__main__":
    run_command(main)
