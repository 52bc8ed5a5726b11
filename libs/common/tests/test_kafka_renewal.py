"""A producer that is broken for good is replaced, whatever stands in the way at first."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.waiting import in_time
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher


class Producer:
    """Nothing but an end."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    async def stop(self) -> None:
        self.stopped.set()


async def test_a_renewal_that_fails_by_a_bug_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    broken, good = Producer(), Producer()
    answers: list[Any] = [ValueError("Zwiebelfisch"), OSError("no descriptors"), good]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def connect() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    publisher = KafkaPublisher(KafkaAccess("127.0.0.1:1"), client_id="test", sleep=sleep)
    monkeypatch.setattr(publisher, "_connect", connect)
    monkeypatch.setattr(publisher, "_producer", broken)
    publisher._replace(broken)
    async with in_time():
        await broken.stopped.wait()
    assert len(slept) == 2
    await publisher.stop()
    assert good.stopped.is_set()


async def test_what_is_published_is_on_all_replicas_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at the producer that aiokafka is really asked for; with less, an acknowledged event may be lost."""
    built: list[inspect.BoundArguments] = []
    made = AIOKafkaProducer.__init__

    def build(self: AIOKafkaProducer, *given: Any, **named: Any) -> None:
        bound = inspect.signature(made).bind(self, *given, **named)
        bound.apply_defaults()
        built.append(bound)
        made(self, *given, **named)

    async def nothing(_: AIOKafkaProducer) -> None:
        """No broker is needed."""

    monkeypatch.setattr(AIOKafkaProducer, "__init__", build)
    monkeypatch.setattr(AIOKafkaProducer, "start", nothing)
    publisher = KafkaPublisher(KafkaAccess("127.0.0.1:1"), client_id="test", ack_seconds=7.0)
    await publisher.start()
    await publisher.stop()
    [one] = built
    assert one.arguments["acks"] in ("all", -1)
    assert one.arguments["enable_idempotence"] is True
    assert one.arguments["linger_ms"] == 0
    assert one.arguments["request_timeout_ms"] == 7000
