"""The running stack as operators see it: metrics, what the worker's group has acknowledged, dead letters, a webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.waiting import LONG

GROUP = "beteiligte-sync"


def metric(url: str, name: str, **labels: str) -> float:
    """The sum of all samples of that name with these labels, 0 where there is none yet."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=LONG) as answer:  # noqa: S310 - loopback only
        text = answer.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def not_acknowledged(bootstrap: str, topic: str) -> int:
    """Records of the topic that the worker's group has not committed."""
    consumer, admin = (
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap),
        AIOKafkaAdminClient(bootstrap_servers=bootstrap),
    )
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        committed = await admin.list_consumer_group_offsets(GROUP)
    finally:
        await consumer.stop()
        await admin.close()
    assert ends, "the topic has partitions"
    return int(sum(end - (committed[each].offset if each in committed else 0) for each, end in ends.items()))


async def headers_of(bootstrap: str, topic: str) -> list[dict[str, str]]:
    """The headers of all records of a topic with one partition."""
    partition = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[dict[str, str]] = []
        while len(found) < end:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += [{name: value.decode() for name, value in record.headers} for record in records]
        return found
    finally:
        await consumer.stop()


@dataclass(frozen=True)
class Sent:
    """The ingress' answer, and how many seconds it took."""

    status: int
    headers: Mapping[str, str]
    seconds: float


async def send_webhook(ingress: str, secrets_file: Path, record_id: str) -> Sent:
    """One rightly signed webhook, as EspoCRM would send it."""
    known = json.loads(await asyncio.to_thread(secrets_file.read_text))
    webhook_id, key = next(iter(known.items()))
    key = key if isinstance(key, str) else key[0]
    body = json.dumps([{"id": record_id, "titel": "x"}]).encode()
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    signature = base64.b64encode(f"{webhook_id}:{digest}".encode()).decode()
    url = f"{ingress}/vmh/webhook/beteiligte/update"
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession() as session:
        began = clock()
        async with session.post(url, data=body, headers={"Signature": signature}) as answer:
            return Sent(answer.status, dict(answer.headers), clock() - began)
