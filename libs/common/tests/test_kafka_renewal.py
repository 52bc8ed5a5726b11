"""A producer that is broken for good is replaced, whatever stands in the way at first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from synckit.adapters.kafka import KafkaPublisher


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

    publisher = KafkaPublisher("127.0.0.1:1", client_id="test", sleep=sleep)
    monkeypatch.setattr(publisher, "_connect", connect)
    monkeypatch.setattr(publisher, "_producer", broken)
    publisher._replace(broken)
    async with asyncio.timeout(60):
        await broken.stopped.wait()
    assert len(slept) == 2
    await publisher.stop()
    assert good.stopped.is_set()
