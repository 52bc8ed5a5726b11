"""One signed body in, one receipt out: parse, publish, wait for the broker, say so in one line."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from kanzlei import topics
from kanzlei.calendar_events import employee_event, pushed_for
from synckit.events import LINKS, Action, Record, encode
from synckit.ports import Clock, Publisher
from webhook_ingress.domain.dead_letter import dead_letter
from webhook_ingress.domain.envelope import Envelope
from webhook_ingress.domain.links import NOUNS, WrongPair, parse_links
from webhook_ingress.domain.paths import webhook_paths
from webhook_ingress.domain.payload import Parsed, parse

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one webhook request brought. The body's signature has been checked."""

    entity: str
    action: Action
    webhook_id: str
    body: bytes
    traceparent: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted` items of the batch became `records` events; `bad` says why others didn't."""

    accepted: int
    records: int
    bad: Mapping[str, int]


class Webhooks:
    """Handles deliveries. Raises only the publisher's own errors: then nothing may be said to be accepted."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        links = ((noun, action) for noun in NOUNS.values() for action in LINKS)
        told = [*((entity, action) for _, entity, action in webhook_paths()), *links]
        self._envelopes = {each: Envelope(*each) for each in told}
        self._ids = random.Random(random.SystemRandom().getrandbits(128))  # many a second: no system call each

    async def receive(self, delivery: Delivery) -> Receipt:
        """Answers when the broker has acknowledged every record, the dead letter included."""
        if delivery.action in LINKS:
            return await self._linked(delivery)
        parsed = parse(delivery.action, delivery.body)
        if parsed.changes:
            received_at = self._clock.now()
            records = self._records(delivery, parsed, received_at)
            await self._publisher.publish(topics.EVENT_TOPICS[delivery.entity], records)
        if parsed.bad:
            await self._bury(delivery, parsed.bad)
        return Receipt(parsed.accepted, len(parsed.changes), parsed.bad)

    def _records(self, delivery: Delivery, parsed: Parsed, received_at: datetime) -> list[Record]:
        return self._envelopes[delivery.entity, delivery.action].records(
            parsed.changes,
            batch_id=f"{self._ids.getrandbits(128):032x}",
            traceparent=delivery.traceparent,
            received_at=received_at,
        )

    async def _linked(self, delivery: Delivery) -> Receipt:
        """An event for each of the two records, in one topic. Raises WrongPair, with nothing of the body published."""
        try:
            linked = parse_links(delivery.body)
        except WrongPair as wrong:
            await self._bury(delivery, {wrong.reason: 1})
            raise
        received_at = self._clock.now()
        records = [
            record
            for noun, changes in linked.changes.items()
            for record in self._envelopes[noun, delivery.action].records(
                changes,
                batch_id=f"{self._ids.getrandbits(128):032x}",
                traceparent=delivery.traceparent,
                received_at=received_at,
            )
        ]
        if records:
            await self._publisher.publish(topics.ENTITY_LINKS, records)
        return Receipt(linked.accepted, linked.records, {})

    async def _bury(self, delivery: Delivery, bad: Mapping[str, int]) -> None:
        letter = dead_letter(
            delivery.entity, delivery.action, delivery.webhook_id, delivery.body, bad, self._clock.now()
        )
        await self._publisher.publish(topics.WEBHOOK_INGRESS_DLQ, [letter])
        log.warning(
            "malformed_body",
            entity=delivery.entity,
            action=delivery.action,
            webhook_id=delivery.webhook_id,
            reason=next(iter(bad)),
            items=sum(bad.values()),
            size=len(delivery.body),
        )


@dataclass(frozen=True, slots=True)
class Push:
    """One message of a Google channel, as its headers say it. It only says: look again."""

    channel_id: str
    token: str
    state: str
    traceparent: str


class Pushes:
    """Turns push messages into one event an employee. Keeps nothing: the token says whose channel it is."""

    def __init__(self, publisher: Publisher, clock: Clock, secret: str) -> None:
        """Without a secret every message is a stranger's."""
        self._publisher = publisher
        self._clock = clock
        self._secret = secret

    async def receive(self, push: Push) -> bool:
        """False for one whose token proves nothing. Answers when the broker has acknowledged the event."""
        now = self._clock.now()
        kuerzel = pushed_for(self._secret, push.channel_id, push.token, now) if self._secret else None
        if kuerzel is None:
            return False
        # Google says hello to a new channel: nothing has changed yet.
        if push.state != "sync":
            event = employee_event(kuerzel, "google", now, traceparent=push.traceparent)
            await self._publisher.publish(topics.CALENDAR_SYNC, [encode(event)])
        return True
