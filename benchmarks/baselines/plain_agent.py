"""The plain way to write the worker: a Faust agent that takes one event at a time, with the same handler as ours."""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any

import faust

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.handlers import SyncHandler
from beteiligte_sync.settings import Settings
from kanzlei.advoware.client import AdvowareBeteiligteStore
from kanzlei.espocrm.client import EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.topics import BETEILIGTE as TOPIC
from kanzlei.wiring import connections
from recordsync import Engine, Remotes
from recordsync.postgres.links import PostgresLinkStore
from synckit.clock import SystemClock
from synckit.events import decode
from synckit.handling import Attempt
from synckit.log.logging import configure
from synckit.service.settings import load


async def run(settings: Settings) -> None:
    clock = SystemClock()
    opened = connections(settings, clock, service="plain-agent", at_once=4)
    remotes = Remotes(
        left=EspoStore(opened.espocrm, BETEILIGTE.left_type),
        right=AdvowareBeteiligteStore(opened.advoware),
        links=PostgresLinkStore(opened.pool, BETEILIGTE.entity),
        locks=opened.locks,
        notifier=EspoNotifier(opened.espocrm, BETEILIGTE.left_type),
        clock=clock,
    )
    handler = SyncHandler(BETEILIGTE.entity, Engine(BETEILIGTE, remotes))
    app = faust.App(
        "plain-agent",
        broker=f"kafka://{settings.kafka.bootstrap_servers}",
        consumer_auto_offset_reset="latest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        datadir=tempfile.gettempdir(),
        web_enabled=False,
    )
    source = app.topic(TOPIC, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def sync(stream: Any) -> None:
        async for record in stream.events():
            event = decode(record.message.key, record.message.value, record.message.headers)
            await handler.handle(event, Attempt(1, 0.0, (event,), ()))

    app.agent(source)(sync)
    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    settings = load(Settings)
    configure("plain-agent", style="json")
    asyncio.run(run(settings))
