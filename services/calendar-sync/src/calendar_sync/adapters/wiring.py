"""What service and commands are made of: settings in, connections and ports out. Nothing connects before it is used."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from redis.asyncio import Redis

from calendar_sync import metrics as own_metrics
from calendar_sync.adapters.google.calendars import GoogleCalendars
from calendar_sync.adapters.google.channels import GoogleChannels
from calendar_sync.adapters.google.client import GoogleClient, GoogleLimits, Hooks
from calendar_sync.adapters.google.events import GoogleEvents
from calendar_sync.adapters.google.port import GooglePort
from calendar_sync.adapters.notices import Notices, PostgresOutbox
from calendar_sync.adapters.office import AdvowareOffice
from calendar_sync.adapters.prices import Rates, RedisPrices
from calendar_sync.adapters.runs import PostgresRuns
from calendar_sync.adapters.store import PostgresStore
from calendar_sync.domain.values import Mode, Profile, Rules, Strategy
from calendar_sync.settings import CalendarSection, OptionalEspoCrmSection, Settings
from kanzlei import remotes
from kanzlei.advoware.appointments import AdvowareAppointments
from kanzlei.advoware.auth import AdvowareAuth
from kanzlei.advoware.client import AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient
from kanzlei.wiring import advoware_auth
from synckit.clock import SystemClock
from synckit.http.remote_clocks import RemoteClocks
from synckit.http.wiring import HttpLimits, Wiring
from synckit.kafka.publisher import KafkaPublisher
from synckit.ports import Clock
from synckit.postgres.branch import branch_of
from synckit.postgres.clock import DatabaseClock
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_branch
from synckit.redis.buckets import RedisBuckets
from synckit.redis.locks import RedisLocks, connect, ping
from synckit.service import remote_metrics
from synckit.service.pool_metrics import watch_pool
from synckit.service.remote_trouble import BadRows, Credentials
from synckit.service.server import Check, Step
from synckit.service.startup import until_there

log = structlog.get_logger(__name__)
SPARE = 8
"""Connections to Redis beside those of the runs: token, health, prices."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that is opened and has to be closed, and the ports made of it."""

    clock: Clock
    time: DatabaseClock
    publisher: KafkaPublisher
    pool: PostgresPool
    redis: Redis
    locks: RedisLocks
    auth: AdvowareAuth
    advoware: AdvowareClient
    appointments: AdvowareAppointments
    espocrm: EspoClient | None
    google: GoogleClient
    calendars: GoogleCalendars
    channels: GoogleChannels
    port: GooglePort
    store: PostgresStore
    runs: PostgresRuns
    notices: Notices
    office: AdvowareOffice
    credentials: Credentials

    def checks(self) -> Sequence[Check]:
        """For readiness. That a remote is away is no reason; that Advoware refuses our credentials is."""
        return (
            Check("kafka", self.publisher.ping),
            Check("database", self.pool.ping),
            Check("redis", partial(ping, self.redis)),
            *(check for check in self.credentials.checks() if check.name != "espocrm_credentials"),
        )

    async def schema_there(self) -> None:
        """Waits for the database, and hears its time; refuses a schema that is not ours."""
        await until_there("database", partial(ensure_branch, self.pool, branch_of("calendar_sync")), self.clock)
        await until_there("database", self.time.hear, self.clock)

    def closing(self) -> Sequence[Step]:
        """In turn."""
        espocrm = [self.espocrm.close] if self.espocrm else []
        return (
            self.publisher.stop,
            *espocrm,
            self.google.close,
            self.advoware.close,
            self.auth.close,
            self.locks.released,
            self.redis.aclose,
            self.pool.close,
        )


def opened(settings: Settings) -> Opened:
    """All of one process. Call it inside the running event loop."""
    clock, database = SystemClock(), settings.database
    pool = PostgresPool(
        database.url.get_secret_value(),
        limits=PoolLimits(size=database.pool_size, statement=database.statement_seconds),
        application_name=settings.service,
    )
    watch_pool(pool)
    time = DatabaseClock(pool, clock)
    at_once = settings.calendar_sync.max_in_flight
    redis = connect(settings.redis.url.get_secret_value(), size=2 * at_once + SPARE)
    credentials = remotes.credentials()
    wiring = _wiring(settings.service, at_once, credentials, time)
    auth = advoware_auth(settings.advoware, redis, clock, wiring)
    advoware = AdvowareClient(settings.advoware.api_base_url, auth, wiring)
    appointments = AdvowareAppointments(advoware)
    espocrm = _espocrm(settings.espocrm, wiring)
    google = _google(settings, redis, clock, time)
    own = settings.google
    calendars = GoogleCalendars(google, own.role_account, own.act_as, settings.calendar.tenant)
    store = PostgresStore(pool)
    return Opened(
        clock=clock,
        time=time,
        publisher=KafkaPublisher(settings.kafka.access, client_id=settings.service),
        pool=pool,
        redis=redis,
        locks=RedisLocks(redis, clock),
        auth=auth,
        advoware=advoware,
        appointments=appointments,
        espocrm=espocrm,
        google=google,
        calendars=calendars,
        channels=GoogleChannels(google, calendars.account_for),
        port=GooglePort(GoogleEvents(google, calendars.account), calendars),
        store=store,
        runs=PostgresRuns(pool),
        notices=Notices(espocrm, PostgresOutbox(pool), settings.notify.user, own_metrics.notice),
        office=AdvowareOffice(appointments, store, clock),
        credentials=credentials,
    )


def rules_of(section: CalendarSection, kuerzel: str) -> Rules:
    """What the office has settled for one employee."""
    return Rules(
        kuerzel=kuerzel,
        tenant=section.tenant,
        mode=Mode(section.mode),
        strategy=Strategy(section.strategies.get(kuerzel, section.strategy)),
        profile=Profile(section.profiles.get(kuerzel, section.profile)),
        deletes_all=section.delete_from_google == "all",
        past_days=section.window_past_days,
        future_days=section.window_future_days,
        expand_days=section.expand_days,
        max_advoware_writes=section.max_advoware_writes,
        acl_role=section.acl_role,
    )


def _wiring(service: str, at_once: int, credentials: Credentials, time: DatabaseClock) -> Wiring:
    remote_metrics.expect("espocrm", "advoware", "advoware_auth", "google")
    return Wiring(
        limits=HttpLimits(concurrency=2 * at_once),
        on_call=remote_metrics.api_call,
        on_refused=credentials.refused,
        on_left_alone=credentials.refused,
        on_accepted=credentials.accepted,
        on_token=remote_metrics.token_expiry,
        on_bad_row=BadRows().skipped,
        # Which replica wrote a record is a question that a remote's log must be able to answer.
        agent=f"{service}/{socket.gethostname()}-{os.getpid()}",
        on_circuit=remote_metrics.circuit,
        clocks=RemoteClocks(time.now, remote_metrics.clock_skew),
    )


def _espocrm(section: OptionalEspoCrmSection, wiring: Wiring) -> EspoClient | None:
    """Without it nobody is told by a note; the calendar works all the same."""
    if section.base_url is None or section.api_key is None:
        return None
    secret = section.hmac_secret_key
    auth = EspoAuth(section.api_key.get_secret_value(), secret.get_secret_value() if secret else None)
    return EspoClient(section.base_url, auth, wiring)


def _google(settings: Settings, redis: Redis, clock: Clock, time: DatabaseClock) -> GoogleClient:
    section, office = settings.google, settings.calendar
    rates = Rates(
        user=section.user_per_second,
        user_burst=section.user_burst,
        project=section.project_per_second,
        calendar=section.calendar_per_second,
        blocked_seconds=section.blocked_hours * 3600,
        new_a_day={"calendar": office.new_calendars_a_day, "event": office.new_events_a_day},
    )
    clocks = RemoteClocks(time.now, remote_metrics.clock_skew)
    hooks = Hooks(
        on_call=remote_metrics.api_call,
        on_refused=_refused,
        on_accepted=remote_metrics.auth_accepted,
        on_date=clocks.dated,
        on_blocked=own_metrics.BLOCKED.inc,
        now=time.now,
    )
    limits = GoogleLimits(section.threads, section.call_seconds, section.api_endpoint)
    prices = RedisPrices(RedisBuckets(redis), redis, clock, rates)
    return GoogleClient.of_key_file(section.service_account_file, prices, limits, hooks)


def _refused(upstream: str, hint: str) -> None:
    """Once a minute at most: so long nobody is called after a refusal."""
    remote_metrics.auth_refused(upstream)
    log.error("credentials_refused", upstream=upstream, hint=hint)
