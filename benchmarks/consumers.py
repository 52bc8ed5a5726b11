"""Three ways to consume a topic, each in a process of its own: `getone`, a bare Faust agent, and our worker.

Options (JSON in BENCH): way, kafka, topic, group, count, result, journal (ours: every key handled, a line each)
and seconds (how long ours takes over an event). Writes its figures to `result` once `count` events are done.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import faust
from aiohttp import web
from aiokafka import AIOKafkaConsumer

from synckit.clock import SystemClock
from synckit.command import run_command
from synckit.errors import PermanentError, TransientError
from synckit.events import ChangeEvent
from synckit.faust import KafkaWorkerSettings, build_app, keyed_agent
from synckit.faust.worker_process import KafkaWorker
from synckit.handling import Attempt, Done, Outcome
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.log import logging
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.worker_metrics import WorkerMetrics
from synckit.worker import KeyedExecutor, Limits
from synckit.worker.dead_letters import DeadLetters

WARM = 500
"""Events before the measured ones: connections, caches and first imports are not what is asked for."""


class Meter:
    """CPU of this process from the event number WARM to the last."""

    def __init__(self, count: int, result: Path) -> None:
        self._count = count
        self._result = result
        self._seen = 0

    def event(self) -> None:
        self._seen += 1
        if self._seen == WARM:
            self._cpu, self._at = time.process_time(), time.perf_counter()
        elif self._seen == self._count:
            measured = self._count - WARM
            figures = {
                "cpu_us": 1e6 * (time.process_time() - self._cpu) / measured,
                "rate": measured / (time.perf_counter() - self._at),
            }
            fresh = self._result.with_suffix(".new")
            fresh.write_text(json.dumps(figures))
            fresh.replace(self._result)


async def with_getone(options: dict[str, Any], meter: Meter) -> None:
    consumer = AIOKafkaConsumer(
        options["topic"],
        bootstrap_servers=options["kafka"],
        group_id=options["group"],
        auto_offset_reset="earliest",
        auto_commit_interval_ms=1000,
    )
    await consumer.start()
    while True:
        await consumer.getone()
        meter.event()


async def with_agent(options: dict[str, Any], meter: Meter) -> None:
    app = faust.App(
        options["group"],
        broker=f"kafka://{options['kafka']}",
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        datadir=Path(options["result"]).parent / options["group"],
        web_enabled=False,
    )
    source = app.topic(options["topic"], key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def feed(stream: Any) -> None:
        async for _ in stream:
            meter.event()

    app.agent(source)(feed)
    await app.start()
    await app.wait_until_stopped()


class Journal:
    """The keys that were handled; on disk within a tenth of a second, and at the end."""

    def __init__(self, path: str | None) -> None:
        self._file = Path(path).open("a", encoding="ascii") if path else None  # noqa: SIM115 (until the process ends)

    def note(self, key: str) -> None:
        if self._file is not None:
            self._file.write(f"{time.time():.3f} {key}\n")

    async def flushing(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.flush()

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()


class Handler:
    """Takes its time and counts."""

    def __init__(self, meter: Meter, journal: Journal, seconds: float) -> None:
        self._meter = meter
        self._journal = journal
        self._seconds = seconds

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        self._meter.event()
        self._journal.note(event.entity_id)
        return Done("unchanged")

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        raise error

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        raise error


async def with_ours(options: dict[str, Any], meter: Meter) -> int:
    logging.configure("bench", style="json")
    publisher = KafkaPublisher(KafkaAccess(options["kafka"]), client_id="bench")
    journal = Journal(options.get("journal"))
    executor = KeyedExecutor(
        Handler(meter, journal, options.get("seconds", 0.0)),
        DeadLetters(publisher, service="bench", clock=SystemClock()),
        Limits(),
        observer=WorkerMetrics(),
    )
    app = build_app(KafkaWorkerSettings(options["group"], KafkaAccess(options["kafka"])))
    keyed_agent(app, options["topic"], executor)
    worker = KafkaWorker(app, prepare=publisher.start)
    server = HttpServer(
        add_shell(web.Application(), Health([Check("worker", worker.probe)])),
        port=int(os.environ["PORT"]),
        host="127.0.0.1",
    )
    background = [worker.run, journal.flushing]
    service = Service(server, Health(), background=background, closing=[publisher.stop], deadline=30.0)
    try:
        return await service.run()
    finally:
        journal.flush()


def main() -> int:
    options = json.loads(os.environ["BENCH"])
    meter = Meter(options["count"], Path(options["result"]))
    way = {"getone": with_getone, "agent": with_agent, "ours": with_ours}[options["way"]]
    return asyncio.run(way(options, meter)) or 0


if __name__ == "__main__":
    run_command(main)
