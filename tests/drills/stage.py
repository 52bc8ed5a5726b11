"""The stack that drills play on: all intervals short, a Prometheus with the rules' times divided, a receiver."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from redis.asyncio import Redis

from demo.calendars import CalendarDay, calendar_day
from demo.people import Person
from demo.remotes import USER_ID, Advoware, EspoCrm, Linked, Remote
from deploy.grafana.ask import query
from deploy.local.addresses import Addresses
from deploy.local.office import Office
from deploy.local.table import CALENDAR, WORKER
from deploy.local.waiting import until
from deploy.local.watching import NAME as PROMETHEUS
from deploy.local.watching import Watching
from synckit.events import Record
from synckit.kafka.publisher import KafkaPublisher
from tests.drills.receiver import Receiver

DIVISOR = 60
SETTINGS: Mapping[str, str] = {
    "TICKER_SWEEP_SECONDS": "5",
    "TICKER_DESK_SECONDS": "2",
    "TICKER_PARKED_SECONDS": "2",
    "TICKER_ROWS_SECONDS": "5",
    "TICKER_CALENDAR_SECONDS": "15",
    "TICKER_RETENTION_SECONDS": "5",
    "TICKER_MEASURE_SECONDS": "1",
    "TICKER_LETTERS_SECONDS": "2",
    "TICKER_CANARY_SECONDS": "5",
    "TICKER_CONSULTATIONS_SECONDS": "2",
    "BETEILIGTE_SYNC_IN_PLACE_SECONDS": "2",
    "BRAKE_RETRY_SECONDS": "5",
    "CALENDAR_SYNC_UPKEEP_SECONDS": "2",
    "CALENDAR_SYNC_IN_PLACE_SECONDS": "2",
    "NOTIFY_USER": USER_ID,
    "DOCUMENT_SYNC_CHANGED_SECONDS": "2",
}
"""What an office does every few minutes is done every few seconds here, as the times of the rules are shorter too."""


@dataclass(frozen=True)
class Stage:
    """What a drill works with."""

    office: Office
    addresses: Addresses
    receiver: Receiver
    espo: EspoCrm
    advo: Advoware

    async def watch_anew(self) -> None:
        """A Prometheus that remembers nothing: what an earlier drill did is no cause of this one's alert."""
        await asyncio.to_thread(self.office.supervisor.stop, PROMETHEUS)
        self.receiver.forget()
        await asyncio.to_thread(self.office.start_watching)

        async def all_seen() -> bool | None:
            """Prometheus takes its targets some seconds after its start; a counter's rise needs a sample before it."""
            up = await asyncio.to_thread(query, self.office.prometheus_url, "count(up) > 0")
            return [each["value"][1] for each in up] == [str(len(self.office.services))] or None

        await until(all_seen, "Prometheus scrapes all services", limit=60.0)

    async def restart(self, name: str, **settings: str) -> None:
        """A service, with these settings beside its own until it is next restarted."""
        await asyncio.to_thread(self.office.stop_process, name)
        self.office._extra.update(settings)
        try:
            await asyncio.to_thread(self.office.start_process, name)
        finally:
            for each in settings:
                self.office._extra.pop(each, None)

    @asynccontextmanager
    async def fault(self, remote: Remote, fault: dict[str, Any], **rule: Any) -> AsyncIterator[int]:
        """Something goes wrong in a remote for so long."""
        number = await remote.fault(fault, **rule)
        try:
            yield number
        finally:
            await remote.mend(number)

    @asynccontextmanager
    async def calendars(self) -> AsyncIterator[CalendarDay]:
        async with calendar_day(self.addresses) as day:
            yield day

    @asynccontextmanager
    async def google(self) -> AsyncIterator[Remote]:
        async with Remote.of(self.addresses.google_url) as google:
            yield google

    async def link(self, name: str, count: int) -> list[Linked]:
        """So many new people, all in step."""
        word = uuid.uuid4().hex[:6]  # a drill may be played again: nobody is to be anybody's double
        people = [
            Person(f"Vorname {n}", f"{name} {word} {n}", f"19{50 + n % 49}-0{1 + n % 9}-11") for n in range(count)
        ]
        made = await asyncio.gather(*(self.espo.create_person(person) for person in people))
        return list(await asyncio.gather(*(self.espo.until_linked(one) for one in made)))

    async def retitle(self, people: Sequence[Linked], title: str) -> None:
        """Anna gives all of them a title."""
        await asyncio.gather(*(self.espo.change(one.left, titel=title) for one in people))

    async def sql(self, statement: str, *values: object) -> None:
        connection = await asyncpg.connect(self.addresses.database_url)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    async def forget_redis(self) -> None:
        """Latches and quotas: what was refused may be tried again at once."""
        redis = Redis.from_url(self.addresses.redis_url)
        try:
            await redis.flushall()
        finally:
            await redis.aclose()

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        publisher = KafkaPublisher(self.addresses.kafka_access, client_id="drills")
        await publisher.start()
        try:
            await publisher.publish(topic, [Record(key.encode(), value, ())])
        finally:
            await publisher.stop()

    def run_as(self, module: str) -> None:
        """The worker is another program from its next start on."""
        self.office.services[WORKER.name] = replace(self.office.services[WORKER.name], module=module)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The whole stack, from nothing; all of it is ended."""
    office, receiver = Office(folder, extra=SETTINGS), Receiver()
    await receiver.start()
    office.watching = Watching(every="1s", divisor=DIVISOR, alerts_to=receiver.port)
    try:
        addresses = await asyncio.to_thread(office.start)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            espo, advo = EspoCrm(session, addresses.espocrm_url), Advoware(session, addresses.advoware_url)
            yield Stage(office, addresses, receiver, espo, advo)
    finally:
        await asyncio.to_thread(office.stop)
        await receiver.stop()


__all__ = ["CALENDAR", "DIVISOR", "Stage", "stage"]
