"""The plain way to write the ingress: the same duties straight on aiohttp, pydantic and producer.send().

Options (JSON in BENCH): kafka, keys, log (whether it writes a line a request, as ours does).
"""

import asyncio
import base64
import hmac
import json
import logging
import os
import uuid
from datetime import UTC, datetime

from aiohttp import web
from aiokafka import AIOKafkaProducer
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, Field, TypeAdapter

OPTIONS, LOG, PRODUCER = json.loads(os.environ["BENCH"]), logging.getLogger("plain"), web.AppKey("P", AIOKafkaProducer)
WEBHOOKS, SECONDS = Counter("webhooks", "Requests.", ["outcome"]), Histogram("webhook_seconds", "To the answer.")


class Item(BaseModel, extra="allow"):
    id: str = Field(pattern=r"^[A-Za-z0-9-]{1,36}$")


BATCH = TypeAdapter(list[Item])


async def receive(request: web.Request) -> web.Response:
    began, body, send = asyncio.get_running_loop().time(), await request.read(), request.app[PRODUCER].send
    for header, binary in (("Signature", False), ("X-Signature", True)):
        name, _, digest = base64.b64decode(request.headers[header]).partition(b":")
        right = hmac.new(OPTIONS["keys"][name.decode()].encode(), body, "sha256")
        if not hmac.compare_digest(digest, right.digest() if binary else right.hexdigest().encode()):
            raise web.HTTPUnauthorized
    changed = {item.id: sorted(item.model_extra or {}) for item in BATCH.validate_json(body)}
    trace, now = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01", datetime.now(UTC).isoformat()
    acks = []
    for key, names in changed.items():
        value = {"entity": "beteiligte", "id": key, "action": "update", "origin": "espocrm", "changed": names}
        headers = {"ce_specversion": "1.0", "ce_id": str(uuid.uuid4()), "ce_source": "/espocrm/beteiligte"}
        headers |= {"ce_type": "vmh.beteiligte.update", "ce_subject": key, "ce_time": now}
        headers |= {"content-type": "application/json", "ce_traceparent": trace}
        pairs = [(name, text.encode()) for name, text in headers.items()]
        acks.append(await send("vmh.beteiligte", json.dumps(value).encode(), key.encode(), headers=pairs))
    await asyncio.gather(*acks)
    WEBHOOKS.labels("accepted").inc()
    SECONDS.observe(asyncio.get_running_loop().time() - began)
    if OPTIONS["log"]:
        LOG.info(json.dumps({"event": "webhook", "records": len(changed), "trace": trace, "at": now}))
    return web.json_response({"accepted": len(changed), "records": len(changed)})


async def make() -> web.Application:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    (app := web.Application()).router.add_post("/vmh/webhook/beteiligte/update", receive)
    app[PRODUCER] = AIOKafkaProducer(bootstrap_servers=OPTIONS["kafka"], acks="all", enable_idempotence=True)
    await app[PRODUCER].start()
    return app


web.run_app(make(), host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
