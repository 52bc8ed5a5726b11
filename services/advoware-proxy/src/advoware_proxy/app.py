"""Composition root of the Advoware proxy: the only module that names concrete adapters."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from functools import partial

from aiohttp import web

from advoware_proxy import metrics
from advoware_proxy.adapters.audit import PostgresAudit
from advoware_proxy.adapters.replies import PostgresReplies
from advoware_proxy.adapters.sweep import PostgresSweep
from advoware_proxy.adapters.upstream import AdvowareUpstream
from advoware_proxy.domain.path_rules import Base
from advoware_proxy.handlers.proxy import Doors, Limits, Proxy
from advoware_proxy.routes import ProxyRoutes, RequestLimits, problems
from advoware_proxy.settings import AdvowareProxySection, Settings
from advoware_proxy.timers import SweepTimer
from kanzlei import remotes
from kanzlei.advoware.client import API
from kanzlei.callers.table import PostgresCallers
from kanzlei.wiring import advoware_auth
from synckit.clock import SystemClock
from synckit.http.wiring import HttpLimits, Wiring
from synckit.postgres.branch import branch_of
from synckit.postgres.clock import DatabaseClock
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import SCHEMA_REVISION, ensure_branch, ensure_schema
from synckit.redis.buckets import RedisBuckets
from synckit.redis.locks import connect, ping
from synckit.service import remote_metrics
from synckit.service.pool_metrics import watch_pool
from synckit.service.remote_trouble import Credentials
from synckit.service.retention_metrics import retention_refused
from synckit.service.server import Check, Health, HttpServer, add_shell
from synckit.service.service import Service
from synckit.service.startup import until_there

SPARE = 4


def build(settings: Settings) -> Service:
    """Wires the service. Connects to nothing. Call it inside the running event loop."""
    own, section = settings.advoware_proxy, settings.advoware
    pool = _pool(settings)
    clock = DatabaseClock(pool, SystemClock())
    redis = connect(settings.redis.url.get_secret_value(), size=own.max_in_flight + SPARE)
    credentials = remotes.credentials()
    remote_metrics.expect("advoware", "advoware_auth")
    wiring = _wiring(own, settings.service, credentials)
    base = Base.of(section.api_base_url, API)
    auth = advoware_auth(section, redis, clock, wiring)
    audit, upstream = PostgresAudit(pool, clock), AdvowareUpstream(base, auth, wiring)
    doors = Doors(
        callers=PostgresCallers(pool, clock, seconds=own.keys_seconds),
        buckets=RedisBuckets(redis),
        audit=audit,
        replies=PostgresReplies(pool, kept=timedelta(hours=own.idempotency_hours)),
        upstream=upstream,
    )
    proxy = Proxy(doors, base, clock, _limits(own), on_in_flight=metrics.PROXY_IN_FLIGHT.set)
    limits = RequestLimits(body=own.request_bytes, body_seconds=own.body_seconds, body_rate=own.body_rate)
    app = web.Application(client_max_size=own.request_bytes, middlewares=[problems])
    ProxyRoutes(proxy, clock, limits).add_to(app)
    # No reason to take it away: without calls nobody would find that the login is good again.
    health = Health(
        [Check("database", pool.ping), Check("redis", partial(ping, redis)), Check("audit", audit.probe)],
        remarks=credentials.checks(),
    )
    sweep = PostgresSweep(pool, audit_kept=timedelta(days=own.audit_days), on_refused=retention_refused)
    return Service(
        schema=SCHEMA_REVISION,
        server=HttpServer(add_shell(app, health), port=own.port, host=settings.http.host),
        health=health,
        starting=[
            partial(until_there, "database", partial(ensure_schema, pool), clock),
            partial(until_there, "database", partial(ensure_branch, pool, branch_of("kanzlei")), clock),
            partial(until_there, "database", clock.hear, clock),
        ],
        background=[
            clock.forever,
            audit.write_forever,
            audit.count_forever,
            proxy.settling.forever,
            SweepTimer(sweep, clock, seconds=own.sweep_seconds).forever,
        ],
        closing=[proxy.settling.close, audit.close, upstream.close, auth.close, redis.aclose, pool.close],
        deadline=40.0,
    )


def _pool(settings: Settings) -> PostgresPool:
    pool = PostgresPool(
        settings.database.url.get_secret_value(),
        limits=PoolLimits(size=settings.database.pool_size, statement=settings.database.statement_seconds),
        application_name=settings.service,
    )
    watch_pool(pool)
    return pool


def _limits(own: AdvowareProxySection) -> Limits:
    return Limits(
        seconds=own.call_seconds,
        answer=own.answer_bytes,
        at_once=own.max_in_flight,
        per_caller=own.max_per_caller,
    )


def _wiring(own: AdvowareProxySection, service: str, credentials: Credentials) -> Wiring:
    limits = HttpLimits(
        connect=own.connect_seconds,
        read=own.read_seconds,
        whole=own.call_seconds,
        concurrency=own.max_in_flight,
        largest_answer=own.answer_bytes,
    )
    agent = f"{service}/{socket.gethostname()}-{os.getpid()}"
    return Wiring(
        limits=limits,
        on_call=remote_metrics.api_call,
        on_refused=credentials.refused,
        on_left_alone=credentials.refused,
        on_accepted=credentials.accepted,
        on_token=remote_metrics.token_expiry,
        on_circuit=remote_metrics.circuit,
        agent=agent,
    )
