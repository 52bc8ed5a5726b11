"""Composition root of ticketing: the only module that names concrete adapters."""

from datetime import timedelta
from functools import partial

from aiohttp import web

from kanzlei.nouns import owned_by
from synckit.clock import SystemClock
from synckit.events import dead_letter_topic
from synckit.faust import KafkaWorkerSettings, build_app, keyed_agent
from synckit.faust.worker_process import KafkaWorker
from synckit.kafka.publisher import KafkaPublisher, require_topics
from synckit.postgres.branch import branch_of
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_branch
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.startup import until_there
from synckit.service.worker_metrics import WorkerMetrics
from synckit.worker import KeyedExecutor, Limits
from synckit.worker.dead_letters import DeadLetters
from ticketing.adapters import PostgresTickets
from ticketing.handlers import Asking, TicketHandler, accepts
from ticketing.routes import TicketRoutes, problems
from ticketing.settings import Settings
from ticketing.timers import sla_timer


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing. Call it inside the running event loop."""
    own, access, clock = settings.ticketing, settings.kafka.access, SystemClock()
    [noun] = owned_by(settings.service)
    publisher = KafkaPublisher(access, client_id=settings.service)
    database = settings.database
    limits = PoolLimits(size=database.pool_size, statement=database.statement_seconds)
    pool = PostgresPool(database.url.get_secret_value(), limits=limits, application_name=settings.service)
    tickets, asking = PostgresTickets(pool), Asking(publisher, noun.topic, clock)
    executor = KeyedExecutor(
        TicketHandler(tickets),
        DeadLetters(publisher, service=settings.service, clock=clock),
        Limits(coalesce=False),  # each action is one: merged, only the last would be seen
        observer=WorkerMetrics(noun.topic),
        accepts=accepts,
    )
    faust_app = build_app(KafkaWorkerSettings(group=settings.service, access=access))
    keyed_agent(faust_app, noun.topic, executor)

    async def prepare() -> None:
        await require_topics(access, [noun.topic, dead_letter_topic(noun.topic)])
        await publisher.start()
        await until_there("database", partial(ensure_branch, pool, branch_of("ticketing")), clock)

    worker = KafkaWorker(faust_app, prepare=prepare)
    app = web.Application(middlewares=[problems])
    TicketRoutes(tickets, asking, timedelta(hours=own.sla_hours)).add_to(app)
    health = Health([Check("worker", worker.probe), Check("kafka", publisher.ping), Check("database", pool.ping)])
    return Service(
        HttpServer(add_shell(app, health), port=own.port, host=settings.http.host),
        health,
        background=[worker.run, partial(sla_timer, tickets, asking, clock, own.timer_seconds)],
        closing=[publisher.stop, pool.close],
    )
