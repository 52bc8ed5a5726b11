"""A small worker process for the tests of the worker: it writes what it does to a journal and obeys files.

A key that begins with `hold` runs until the file of that name is there, `bug…` raises, `lock…` fails in passing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from synckit.clock import SystemClock
from synckit.errors import Locked, PermanentError, TransientError
from synckit.events import ChangeEvent, dead_letter_topic
from synckit.faust import KafkaWorkerSettings, SafeApp, build_app, keyed_agent
from synckit.faust.worker_process import KafkaWorker
from synckit.handling import Attempt, Done, Outcome
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher, require_topics
from synckit.log import logging
from synckit.service.server import Check, Health, HttpServer, add_shell, run_service
from synckit.worker import KeyedExecutor, Limits, RetryPolicy
from synckit.worker.dead_letters import DeadLetters
from synckit.worker.watch import Patience


class Journal:
    """One JSON object a line, whole lines only, from several processes."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what: str, **more: object) -> None:
        line = {"what": what, "pid": os.getpid(), "at": time.time(), **more}
        os.write(self._file, (json.dumps(line) + "\n").encode())


class Handler:
    """Does nothing but take its time."""

    def __init__(self, journal: Journal, folder: Path, seconds: float) -> None:
        self._journal = journal
        self._folder = folder
        self._seconds = seconds

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        key = event.entity_id
        self._journal.write("start", key=key, id=event.id, attempt=attempt.number)
        if key.startswith("bug"):
            raise KeyError(key)
        if key.startswith("lock") and attempt.number == 1:
            raise Locked("held")
        if key.startswith("hold"):
            while not (self._folder / key).exists():  # noqa: ASYNC110 (another process makes the file)
                await asyncio.sleep(0.02)
        await asyncio.sleep(self._seconds)
        self._journal.write("done", key=key, ids=[one.id for one in attempt.events])
        return Done("written")

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        self._journal.write("parked", key=event.entity_id)

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        self._journal.write("refused", key=event.entity_id)


def seek_slowly_once(app: SafeApp, seconds: float) -> None:
    """The first seek takes longer than the time-out of a recovery step."""
    consumer: Any = app.consumer
    seek = consumer.perform_seek
    slow = [seconds]

    async def perform_seek() -> None:
        await asyncio.sleep(slow.pop() if slow else 0)
        await seek()

    app.conf.broker_request_timeout = seconds / 2
    consumer.perform_seek = perform_seek


def hang_in_the_second_rebalance(app: SafeApp) -> None:
    """A wait in Faust that never ends, after the group has given the worker its partitions."""
    came = iter((False, True))

    async def complete(*_: Any, **__: Any) -> None:
        if next(came):
            await asyncio.Event().wait()

    app.on_rebalance_complete.connect(complete, weak=False)


async def tell(worker: KafkaWorker, journal: Journal) -> None:
    """Writes the worker's state whenever its lag has changed."""
    lag = -1
    while True:
        state = worker.state
        if state.lag != lag:
            lag = state.lag
            journal.write("state", lag=lag, phase=state.phase, partitions=state.partitions)
        await asyncio.sleep(0.1)


async def main(config: dict[str, Any]) -> int:
    logging.configure("test-worker", style="json")
    journal = Journal(Path(config["journal"]))
    bootstrap, topic = config["bootstrap"], config["topic"]
    publisher = KafkaPublisher(KafkaAccess(bootstrap), client_id="test-worker", ack_seconds=3.0)
    executor = KeyedExecutor(
        Handler(journal, Path(config["folder"]), config.get("seconds", 0.0)),
        DeadLetters(publisher, service="test-worker", clock=SystemClock()),
        Limits(
            coalesce=config.get("coalesce", False),
            fuse_after=3,
            retry=RetryPolicy(base=0.05),
            **config.get("limits", {}),
        ),
    )
    app = build_app(KafkaWorkerSettings(config["group"], KafkaAccess(bootstrap), **config.get("worker", {})))
    keyed_agent(app, topic, executor)
    if "slow_first_seek" in config:
        seek_slowly_once(app, config["slow_first_seek"])
    if config.get("hangs"):
        hang_in_the_second_rebalance(app)

    async def prepare() -> None:
        await require_topics(KafkaAccess(bootstrap), [topic, dead_letter_topic(topic)])
        await publisher.start()

    worker = KafkaWorker(app, prepare=prepare, patience=Patience(**config.get("patience", {})))
    telling = asyncio.ensure_future(tell(worker, journal))
    health = Health([Check("kafka", worker.probe)])
    server = HttpServer(add_shell(web.Application(), health), port=config.get("port", 0), host="127.0.0.1")
    try:
        return await run_service(server, health, background=[worker.run], closing=[publisher.stop])
    finally:
        telling.cancel()
        journal.write("end", state=worker.state.phase)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(json.loads(os.environ["WORKER"]))))
