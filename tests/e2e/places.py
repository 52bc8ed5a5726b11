"""Every place outside of the two remotes where a client's data could lie: topics, logs, metrics, Redis, tables.

Each function reads one kind of place as text, by its name; `found` searches them.
"""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from redis import Redis

from deploy.local.kafka_tool import tool_argv
from deploy.local.waiting import LONG

Places = Mapping[str, str]
PRINTED = ("key", "headers", "offset", "partition", "timestamp")


def found(places: Places, needles: Iterable[str]) -> list[tuple[str, str]]:
    """(place, needle) for each needle in each place, whatever its case, as text or as a byte column shows it."""
    spellings = [(needle, (needle.casefold(), needle.encode().hex())) for needle in needles]
    lowered = {place: text.casefold() for place, text in places.items()}
    return [
        (place, needle)
        for place, text in lowered.items()
        for needle, spelled in spellings
        if any(each in text for each in spelled)
    ]


async def topics(bootstrap: str) -> Places:
    """All records of all topics with keys and headers, as Kafka's own console consumer prints them; in one text."""
    names, records = await _extent(bootstrap)
    shown = [word for each in PRINTED for word in ("--formatter-property", f"print.{each}=true")]
    argv = tool_argv(
        "ConsoleConsumer",
        *("--bootstrap-server", bootstrap, "--include", "|".join(names), "--from-beginning"),
        *("--max-messages", str(records), "--timeout-ms", "20000", *shown),
    )
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    dumped, errors = await asyncio.wait_for(process.communicate(), LONG)
    told = errors.decode(errors="replace")
    if f"Processed a total of {records} messages" not in told:
        raise AssertionError(f"the console consumer did not read all of {records} records: {told[-500:]}")
    return {"topics": dumped.decode(errors="replace")}


def logs(folder: Path) -> Places:
    """All logs, those of the servers and of the commands too."""
    return {path.name: path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))}


def metrics(services: Mapping[str, str]) -> Places:
    """`/metrics` of all services, by their addresses."""
    return {f"metrics of {name}": _get(f"{url}/metrics") for name, url in services.items()}


def redis_keys(url: str) -> Places:
    """Every key of Redis with all that it holds."""
    with Redis.from_url(url, decode_responses=True) as client:
        return {f"redis {key}": f"{key} {_held(client, key)}" for key in client.scan_iter("*")}


async def tables(database_url: str) -> Places:
    """Every row of every table of ours."""
    connection = await asyncpg.connect(database_url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        shown = {}
        for (name,) in names:
            rows = await connection.fetch(f'SELECT row::text FROM "{name}" AS row')  # noqa: S608 - names out of the catalogue
            shown[str(name)] = "\n".join(row[0] for row in rows)
        return shown
    finally:
        await connection.close()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=LONG) as answer:  # noqa: S310 - loopback only
        return str(answer.read().decode())


def _held(client: Redis, key: str) -> str:
    """In Redis' own serialisation, whatever its kind, but as it is where it is text."""
    return str(client.get(key) if client.type(key) == "string" else client.dump(key))


async def _extent(bootstrap: str) -> tuple[list[str], int]:
    """Names of all topics that are not Kafka's own, and how many records they hold."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics()
    finally:
        await admin.close()
    ours = [topic for topic in described if not topic["is_internal"]]
    partitions = [TopicPartition(topic["topic"], each["partition"]) for topic in ours for each in topic["partitions"]]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, group_id=None)
    await consumer.start()
    try:
        first, last = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    return sorted(topic["topic"] for topic in ours), sum(last[each] - first[each] for each in partitions)
