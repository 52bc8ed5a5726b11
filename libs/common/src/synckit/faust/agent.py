"""The agent: takes records off the stream, undecoded, and hands them to the executor. Nothing else."""

from __future__ import annotations

from typing import Any

import structlog

from synckit.error_text import message_of
from synckit.faust.app import SafeApp
from synckit.faust.consumer import delivered
from synckit.worker.executor import KeyedExecutor

log = structlog.get_logger("synckit.worker")


def keyed_agent(app: SafeApp, topic: str, executor: KeyedExecutor) -> None:
    """Feeds `topic` to the executor. Raw bytes: a decode error in Faust would be an ack out of order."""
    app.add(executor)
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def feed(stream: Any) -> None:
        consumer = app.consumer
        async for event in stream.noack().events():
            message = event.message
            delivery = delivered(message, consumer)
            # The message lives on in its ack, perhaps for hours: its content would as well.
            message.value = message.headers = None
            try:
                await executor.submit(delivery)
            except Exception as error:
                # Raising here would ack nothing and start the agent anew over a hole.
                log.error("worker.broken", origin=delivery.origin, error=message_of(error), exc_info=error)
                executor.on_blown(message_of(error))

    app.agent(source, name=f"{topic}.feed", concurrency=1)(feed)
