"""What the worker's tests share: a topic and a group of one's own, worker processes, their journal, a way to wait."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.local.backends import LazyBackends
from deploy.local.office import answers_ok
from deploy.local.ports import Ports
from deploy.local.waiting import LONG, in_time, wait_until
from synckit.events import ChangeEvent, Record, dead_letter_topic, encode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.testing.worker import change

PROGRAM = Path(__file__).with_name("worker_program.py")
Line = dict[str, Any]


class WorkerProcess:
    """One worker. Its log is kept in a file, so that a failed test can show it."""

    def __init__(self, config: dict[str, Any], log: Path, port: int) -> None:
        self.log = log
        self.port = port
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env={**os.environ, "WORKER": json.dumps({**config, "port": port})},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def terminate(self) -> int:
        """SIGTERM; the exit status, which must come in time."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """The exit status; with the end of the log where it does not come."""
        wait_until(lambda: self.process.poll() is not None, "the worker ends", instead=self.log_tail)
        return self.process.wait()

    def log_tail(self) -> str:
        return self.log.read_text()[-3000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LONG)

    def is_ready(self) -> bool:
        return answers_ok(f"http://127.0.0.1:{self.port}/health/ready")

    def is_live(self) -> bool:
        return answers_ok(f"http://127.0.0.1:{self.port}/health/live")

    def log_lines(self, event: str) -> list[Line]:
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == event]


class Stage:
    """A topic, a group, a journal. `worker` starts a process that `close` will end."""

    def __init__(self, backends: LazyBackends, folder: Path) -> None:
        self.backends = backends
        self.bootstrap = backends.kafka_bootstrap
        self.folder = folder
        self.topic = f"stage.{uuid.uuid4()}"
        self.group = f"group-{uuid.uuid4()}"
        self.workers: list[WorkerProcess] = []
        self._ports = Ports(folder)

    def worker(self, **config: Any) -> WorkerProcess:
        everything = {
            "bootstrap": self.bootstrap,
            "topic": self.topic,
            "group": self.group,
            "journal": str(self.folder / "journal"),
            "folder": str(self.folder),
            **config,
        }
        name = f"worker-{len(self.workers)}"
        self.workers.append(WorkerProcess(everything, self.folder / f"{name}.log", self._ports.claim(name)))
        return self.workers[-1]

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.signal(signal.SIGCONT)
                worker.kill()

    def create(self, partitions: int = 4) -> None:
        asyncio.run(self._create(partitions))

    def delete(self) -> None:
        asyncio.run(self._delete())

    def publish(self, *events: ChangeEvent | Record) -> None:
        asyncio.run(self._publish([one if isinstance(one, Record) else encode(one) for one in events]))

    def committed(self) -> dict[int, int]:
        """Partition → the group's committed offset."""
        return asyncio.run(self._committed())

    def dead_letters(self) -> list[dict[str, str]]:
        """The headers of all dead letters."""
        return asyncio.run(self._dead_letters())

    def release(self, key: str) -> None:
        """Lets the run of a key that begins with `hold` end."""
        (self.folder / key).touch()

    def journal(self, what: str | None = None) -> list[Line]:
        path = self.folder / "journal"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if what in (None, line["what"])]

    def done_ids(self) -> list[str]:
        return [one for line in self.journal("done") for one in line["ids"]]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for the condition. Shows the workers' logs where it does not come."""
        wait_until(condition, what, instead=lambda: "\n".join(worker.log_tail() for worker in self.workers))

    async def _create(self, partitions: int) -> None:
        asked = [NewTopic(self.topic, partitions, 1), NewTopic(dead_letter_topic(self.topic), 1, 1)]
        async with self._admin() as admin:
            await admin.create_topics(asked)

    async def create_again(self, partitions: int) -> None:
        """After a deletion, which the broker finishes when it likes."""
        codes = [-1]
        async with self._admin() as admin, in_time():
            while codes != [0]:
                answer = await admin.create_topics([NewTopic(self.topic, partitions, 1)])
                codes = [error[1] for error in answer.topic_errors]

    async def _delete(self) -> None:
        async with self._admin() as admin:
            await admin.delete_topics([self.topic])

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def _publish(self, records: Sequence[Record]) -> None:
        publisher = KafkaPublisher(KafkaAccess(self.bootstrap), client_id="stage")
        await publisher.start()
        await publisher.publish(self.topic, records)
        await publisher.stop()

    async def _committed(self) -> dict[int, int]:
        async with self._admin() as admin:
            try:
                offsets = await admin.list_consumer_group_offsets(self.group)
            except KafkaError:
                return {}
        return {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == self.topic and at.offset >= 0}

    async def _dead_letters(self) -> list[dict[str, str]]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partition = TopicPartition(dead_letter_topic(self.topic), 0)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            read: list[dict[str, str]] = []
            while len(read) < end:
                for batch in (await consumer.getmany(timeout_ms=1000)).values():
                    read += [{name: value.decode() for name, value in one.headers} for one in batch]
            return read
        finally:
            await consumer.stop()


def changes(count: int, keys: int, first: int = 0) -> list[ChangeEvent]:
    """Events with the ids `first` …, spread over so many keys."""
    return [change(f"k{number % keys}", event_id=str(number)) for number in range(first, first + count)]
