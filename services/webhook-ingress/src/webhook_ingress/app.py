"""Composition root of the webhook ingress: the only module that names concrete adapters."""

from __future__ import annotations

from aiohttp import web

from kanzlei import topics
from kanzlei.espocrm.webhook_secrets import parse_secrets
from synckit.clock import SystemClock
from synckit.kafka.publisher import KafkaPublisher, require_topics
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from webhook_ingress.adapters.secrets_source import SecretsSource
from webhook_ingress.handlers import Pushes, Webhooks
from webhook_ingress.routes import MAX_BODY, Limits, PushRoutes, WebhookRoutes
from webhook_ingress.settings import Settings, WebhookIngressSection

TOPICS = frozenset(
    {*topics.EVENT_TOPICS.values(), topics.ENTITY_LINKS, topics.CALENDAR_SYNC, topics.WEBHOOK_INGRESS_DLQ}
)


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing."""
    own, clock, access = settings.webhook_ingress, SystemClock(), settings.kafka.access
    # The broker's time-out ends before ours, so that its error is the one that is told.
    publisher = KafkaPublisher(access, client_id=settings.service, ack_seconds=own.answer_seconds * 0.9)
    secrets = _secrets(own, clock)
    limits = Limits(in_flight=own.max_in_flight, seconds=own.answer_seconds)
    app = web.Application(client_max_size=MAX_BODY)
    WebhookRoutes(Webhooks(publisher, clock), secrets, clock, limits).add_to(app)
    push_secret = settings.calendar.push_secret
    pushes = Pushes(publisher, clock, push_secret.get_secret_value() if push_secret else "")
    PushRoutes(pushes, clock, limits).add_to(app)
    health = Health([Check("kafka", publisher.ping), Check("secrets", secrets.check)])

    async def require() -> None:
        await require_topics(access, TOPICS)

    return Service(
        HttpServer(add_shell(app, health), port=own.port, host=settings.http.host),
        health,
        starting=[require, publisher.start],
        closing=[publisher.stop],
    )


def _secrets(own: WebhookIngressSection, clock: SystemClock) -> SecretsSource:
    fixed = own.secrets.get_secret_value().encode() if own.secrets else b"{}"
    return SecretsSource(parse_secrets(fixed), own.secrets_file, clock)
