"""A worker whose handler has a bug that tells all it knows: its log on standard output, all else on standard error."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import structlog
from prometheus_client.exposition import generate_latest

from demo.people import NEW_MAILS, OLD_IBAN, PERSON, PHONE, TYPED_PHONE
from recordsync.testing.memory import FakePublisher
from synckit.handling import Attempt, Done, Outcome
from synckit.log.logging import configure
from synckit.service import metrics
from synckit.service.worker_metrics import WorkerMetrics
from synckit.testing.clock import FakeClock
from synckit.testing.worker import Partition, change, settle
from synckit.worker import KeyedExecutor, Limits
from synckit.worker.dead_letters import DeadLetters

CONTROL = "Kontrollfisch-7"
GOOD = "in-step"
"""Succeeds after the bug, which proves that it is that record's own."""
TOKEN = "Zugangsmarke-Zugangsmarke-Zugangsmarke"
PLANTED = (PERSON.first, PERSON.last, PERSON.born, OLD_IBAN, PHONE, TYPED_PHONE, NEW_MAILS[0], TOKEN)


class Buggy:
    """Client data in the text, in the cause, in a note, in a local, and in a library's log line."""

    async def handle(self, event: Any, attempt: Attempt) -> Outcome:
        if event.entity_id == GOOD:
            return Done("written")
        payload = {"lastName": PERSON.last, "dateOfBirth": PERSON.born, "iban": OLD_IBAN, "phoneNumber": PHONE}
        try:
            raise KeyError(PERSON.first)
        except KeyError as cause:
            error = ValueError(f"cannot sync {payload} with Bearer {TOKEN}", PERSON.last, NEW_MAILS[0])
            error.add_note(f"born {PERSON.born}, {TYPED_PHONE}")
            logging.getLogger("some.library").exception("while syncing %s %r %s", PERSON.last, payload, TOKEN)
            structlog.get_logger(__name__).warning("look_failed", iban=OLD_IBAN, token=TOKEN, mail=NEW_MAILS[0])
            raise error from cause

    async def give_up(self, event: Any, error: Any, attempt: Attempt) -> None:
        raise AssertionError("not reached")

    async def refused(self, event: Any, error: Any) -> None:
        raise AssertionError("not reached")


async def _handle_one() -> dict[str, str]:
    publisher = FakePublisher()
    letters = DeadLetters(publisher, service="beteiligte-sync", clock=FakeClock())
    executor = KeyedExecutor(Buggy(), letters, Limits(), observer=WorkerMetrics())
    executor.open(1)
    partition = Partition()
    await executor.submit(partition.deliver(change(CONTROL)))
    await executor.submit(partition.deliver(change(GOOD)))
    await settle()
    return {"dead letter": str(publisher.sent), "metrics": generate_latest(metrics.REGISTRY).decode()}


def main(style: str) -> None:
    """Configured as a service configures itself."""
    configure("beteiligte-sync", level="debug", style=style)
    sys.stderr.write(json.dumps(asyncio.run(_handle_one())))


if __name__ == "__main__":
    main(sys.argv[1])
