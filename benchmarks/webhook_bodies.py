"""Webhook requests as EspoCRM sends them: signed batches of changed records, as bytes made beforehand."""

from __future__ import annotations

import base64
import hmac
import json
import random

from benchmarks.grounds import SECRET, SECRET_ID

PATH = "/vmh/webhook/beteiligte/update"


def item(record_id: str, chance: random.Random) -> dict[str, object]:
    """One object of a batch: the id, the attributes that a form changed, and what EspoCRM adds."""
    return {
        "id": record_id,
        "lastName": f"Mustermann-{chance.randrange(10_000)}",
        "firstName": "Erika",
        "name": "Erika Mustermann",
        "briefAnrede": "Sehr geehrte Frau Mustermann,",
        "dateOfBirth": "1980-02-03",
        "emailAddress": f"erika.{chance.randrange(10_000)}@example.org",
        "modifiedAt": "2026-03-02 09:00:00",
        "modifiedById": "5a0000000000000b1",
        "modifiedByName": "Anna",
        "versionNumber": chance.randrange(1000),
    }


def signed(body: bytes, path: str = PATH) -> bytes:
    """The whole request with both of EspoCRM's headers."""
    digest = hmac.digest(SECRET.encode(), body, "sha256")
    signature = base64.b64encode(f"{SECRET_ID}:{digest.hex()}".encode()).decode()
    old = base64.b64encode(f"{SECRET_ID}:".encode() + digest).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Signature: {signature}\r\nX-Signature: {old}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def single(record_id: str, change: str) -> bytes:
    """One changed record. No two changes have one body, as EspoCRM sends the time."""
    return signed(json.dumps([item(record_id, random.Random(record_id + change))], ensure_ascii=False).encode())


def requests(batch: int, count: int = 200, seed: int = 4) -> list[bytes]:
    """So many different requests of `batch` items each."""
    chance = random.Random(seed)
    ids = [f"{chance.getrandbits(68):017x}" for _ in range(5000)]
    bodies = ([item(chance.choice(ids), chance) for _ in range(batch)] for _ in range(count))
    return [signed(json.dumps(body, ensure_ascii=False).encode()) for body in bodies]
