"""`recordsync.explain` on the real PostgreSQL, Redis and Kafka, and as a command of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from deploy.local.backends import LazyBackends
from recordsync.explain.commands import FORGET_LINK, RELEASE_BRAKE, SYNC_NOW, CommandPorts, carry_out
from recordsync.explain.render import plain
from recordsync.memory.look import RELEASED
from recordsync.postgres.inspect import PostgresInspector
from recordsync.postgres.links import PostgresLinkStore
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.settings import API_KEY
from synckit.clock import SystemClock
from synckit.errors import RemoteUnavailable
from synckit.events import Origin, Record, dead_letter_topic, decode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.inspect import KafkaInspector, ScanLimits
from synckit.kafka.publisher import KafkaPublisher
from synckit.postgres.pool import PostgresPool
from synckit.redis.inspect import RedisLockInspector
from synckit.redis.locks import RedisLocks
from tests.staged_store import StagedLinkStore
from tests.why_examples import examples
from tests.why_stage import BRAKED, CONFLICT, SCENES, Ground, LockBook, Stage, braked, conflict, stage

pytestmark = pytest.mark.stack
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
WHO = "anna@desk-3"


@pytest.fixture
async def publisher(backends: LazyBackends) -> AsyncIterator[KafkaPublisher]:
    made = KafkaPublisher(KafkaAccess(backends.kafka_bootstrap), client_id="test-why")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def topic(backends: LazyBackends) -> str:
    """Of 12 partitions, as the real one, with its dead letters."""
    name = f"why.{uuid.uuid4()}"
    await create(backends.kafka_bootstrap, NewTopic(name, 12, 1), NewTopic(dead_letter_topic(name), 1, 1))
    return name


async def create(bootstrap: str, *topics: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(list(topics))
        assert {error[1] for error in answer.topic_errors} <= {0, 36}
    finally:
        await admin.close()


@pytest.fixture
def ground(
    backends: LazyBackends, postgres_pool: PostgresPool, redis_client: Redis, publisher: KafkaPublisher, topic: str
) -> Ground:
    entity = f"beteiligte-{uuid.uuid4().hex}"
    prefix = f"lock:{uuid.uuid4().hex}:"
    return Ground(
        links=StagedLinkStore(postgres_pool, entity),
        memory=PostgresInspector(postgres_pool, entity),
        locks=RedisLocks(redis_client, SystemClock(), prefix=prefix),
        lock_view=RedisLockInspector(redis_client, prefix=prefix),
        topics=KafkaInspector(KafkaAccess(backends.kafka_bootstrap), client_id="test-why"),
        publisher=publisher,
        topic=topic,
    )


def command_ports(office: Stage) -> CommandPorts:
    ground = office.ground
    return CommandPorts(
        ground.links, ground.locks, ground.publisher, office.clock, ground.topic, WHO, new_id=lambda: str(uuid.uuid4())
    )


@pytest.mark.parametrize("name", SCENES)
async def test_the_real_servers_tell_the_same(name: str, ground: Ground) -> None:
    async with stage(ground) as office:
        _, report = await office.asked(await SCENES[name](office))
        assert plain(report) == (await examples())[name]


async def test_looking_takes_no_fence_and_commits_no_offset(ground: Ground, backends: LazyBackends) -> None:
    async with stage(ground) as office:
        await conflict(office)
        fence = (await ground.links.load(CONFLICT)).fence
        first, _ = await office.asked(CONFLICT)
        second, _ = await office.asked(CONFLICT)
        assert first.state is not None
        assert first.state.fence == fence
        assert second.memory == first.memory
        assert second.waiting.value == first.waiting.value
        assert (await ground.links.load(CONFLICT)).fence > fence
    consumer = AIOKafkaConsumer(bootstrap_servers=backends.kafka_bootstrap, group_id="beteiligte-sync")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(ground.topic, number) for number in range(12)])
        assert [await consumer.committed(each) for each in consumer.assignment()] == [None] * 12
    finally:
        await consumer.stop()


async def test_what_the_group_has_committed_waits_no_longer(
    ground: Ground, publisher: KafkaPublisher, backends: LazyBackends
) -> None:
    group, inspector = (
        f"why-{uuid.uuid4()}",
        KafkaInspector(KafkaAccess(backends.kafka_bootstrap), client_id="test-why"),
    )
    records = [Record(key, value, ()) for value in (b"1", b"2") for key in (b"p1", b"p2", b"p3", b"p4", b"p5")]
    await publisher.publish(ground.topic, records)
    found, looked_at, left_out = await inspector.waiting(ground.topic, group, "p1")
    assert [record.value for record in found] == [b"1", b"2"]
    assert looked_at >= 2
    assert left_out == 0
    await commit_first_of(b"p1", ground.topic, group, backends.kafka_bootstrap)
    found, _, _ = await inspector.waiting(ground.topic, group, "p1")
    assert [record.value for record in found] == [b"2"]


async def commit_first_of(key: bytes, topic: str, group: str, bootstrap: str) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(12)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while True:
            for partition, batch in (await consumer.getmany(timeout_ms=1000)).items():
                for record in batch:
                    if record.key == key:
                        await consumer.commit({partition: record.offset + 1})
                        return
    finally:
        await consumer.stop()


async def test_a_scan_of_dead_letters_is_bounded_and_says_so(
    ground: Ground, publisher: KafkaPublisher, backends: LazyBackends
) -> None:
    dead = dead_letter_topic(ground.topic)
    await publisher.publish(dead, [Record(f"p{number}".encode(), b"{}", ()) for number in range(30)])
    short = KafkaInspector(KafkaAccess(backends.kafka_bootstrap), client_id="test-why", limits=ScanLimits(records=10))
    assert (await short.buried(dead, "p3", LONG_AGO))[1:] == (10, 20)
    found, looked_at, left_out = await short.buried(dead, "p29", LONG_AGO)
    assert [record.key for record in found] == [b"p29"]
    assert (looked_at, left_out) == (10, 20)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert await short.buried(dead, "p29", tomorrow) == ([], 0, 0)


async def test_a_topic_that_is_not_there_is_said_and_not_created(backends: LazyBackends) -> None:
    inspector = KafkaInspector(KafkaAccess(backends.kafka_bootstrap), client_id="test-why")
    name = f"nobody.{uuid.uuid4()}"
    for _ in range(2):
        with pytest.raises(RemoteUnavailable, match="no topic"):
            await inspector.waiting(name, "any", "p1")


async def test_a_broker_that_is_away_costs_its_own_answer_alone(ground: Ground) -> None:
    ground.topics = KafkaInspector(KafkaAccess("127.0.0.1:1"), client_id="test-why", limits=ScanLimits(whole=3.0))
    async with stage(ground) as office:
        await office.person(CONFLICT, lastName="Probe", firstName="Paula")
        findings, report = await office.asked(CONFLICT)
        assert findings.left.value is not None
        assert report.forecast.kind == "nothing"
        assert [missing.partition(":")[0] for missing in report.missing] == ["Kafka (Ereignisse)"]


async def test_a_held_lock_is_seen_with_its_time(ground: Ground) -> None:
    async with stage(ground) as office:
        await office.person(CONFLICT, lastName="Probe", firstName="Paula")
        async with ground.locks.hold(f"beteiligte:{CONFLICT}"):
            findings, report = await office.asked(CONFLICT)
            assert findings.lock.value is not None
            assert 0 < findings.lock.value <= 15
            assert "Gerade arbeitet jemand daran." in report.summary
        assert (await office.asked(CONFLICT))[0].lock.value is None


async def test_sync_now_sends_an_event_and_writes_down_who_did_it(ground: Ground) -> None:
    async with stage(ground) as office:
        await office.person(CONFLICT, lastName="Probe", firstName="Paula")
        said = await carry_out(SYNC_NOW, command_ports(office), "beteiligte", CONFLICT)
        findings, _ = await office.asked(CONFLICT)
        assert findings.waiting.value is not None
        (record,) = findings.waiting.value.records
        event = decode(record.key, record.value, record.headers)
        assert (event.origin, event.id in said) == (Origin.OPERATOR, True)
        _, line = findings.journal[0]
        assert (line.step, line.rule, line.event_id) == ("operator_sync_now", WHO, event.id)


async def test_a_release_is_good_for_one_look(ground: Ground) -> None:
    async with stage(ground) as office:
        await braked(office)
        await carry_out(RELEASE_BRAKE, command_ports(office), "beteiligte", BRAKED)
        findings, report = await office.asked(BRAKED)
        assert findings.state is not None
        assert RELEASED in findings.state.notes
        assert report.forecast.kind == "update"
        await office.engine.sync(BRAKED)
        snapshot = await office.left.read(BRAKED)
        assert snapshot is not None
        assert (snapshot.payload["firstName"], snapshot.payload["syncStatus"]) == (None, "clean")
        after, _ = await office.asked(BRAKED)
        assert after.state is not None
        assert RELEASED not in after.state.notes
        assert (after.journal[-1][1].step, WHO in {line.rule for _, line in after.journal}) == ("created", True)


async def test_a_forgotten_link_is_found_again_by_its_number(ground: Ground) -> None:
    async with stage(ground) as office:
        await office.person(CONFLICT, lastName="Probe", firstName="Paula")
        await carry_out(FORGET_LINK, command_ports(office), "beteiligte", CONFLICT)
        findings, report = await office.asked(CONFLICT)
        assert findings.state is not None
        assert findings.state.link is None
        assert report.forecast.kind == "adopt"
        assert (await office.engine.sync(CONFLICT)).result == "adopted"
        assert len((await office.asked(CONFLICT))[0].journal) >= 2


@pytest.fixture
async def environment(
    backends: LazyBackends, migrated_database: str, publisher: KafkaPublisher
) -> AsyncIterator[tuple[dict[str, str], Stage]]:
    """What the command reads, with both sandboxes open."""
    await create(backends.kafka_bootstrap, NewTopic("vmh.beteiligte", 12, 1), NewTopic("vmh.beteiligte.dlq", 1, 1))
    pool = PostgresPool(migrated_database)
    links, memory = PostgresLinkStore(pool, "beteiligte"), PostgresInspector(pool, "beteiligte")
    topics = KafkaInspector(KafkaAccess(backends.kafka_bootstrap), client_id="test-why")
    locks = LockBook()  # the command alone uses Redis
    # What happens on the stage takes an hour of its clock; the token service takes no client whose clock is far off.
    start = datetime.now(UTC) - timedelta(hours=1, minutes=1)
    async with stage(Ground(links, memory, locks, locks, topics, publisher), start) as office:
        espo = str(office.espo.make_url("")).rstrip("/")
        advoware = str(office.advoware.make_url("")).rstrip("/")
        login = {f"ADVOWARE_{name.upper()}": value for name, value in asdict(DEFAULT).items()}
        yield (
            {
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                **login,
                "KAFKA_BOOTSTRAP_SERVERS": backends.kafka_bootstrap,
                "DATABASE_URL": migrated_database,
                "REDIS_URL": backends.redis_url,
                "ESPOCRM_BASE_URL": espo,
                "ESPOCRM_API_KEY": API_KEY,
                "ADVOWARE_AUTH_URL": f"{advoware}/api/v1/Token",
                "ADVOWARE_API_BASE_URL": advoware,
            },
            office,
        )
    await pool.close()


async def command(environment: dict[str, str], *words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "beteiligte_sync.explain", *words,
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_shows_acts_and_leaves_nothing_in_any_log(
    environment: tuple[dict[str, str], Stage],
) -> None:
    variables, office = environment
    record = f"66a1{uuid.uuid4().hex[:12]}"
    await office.person(record, lastName="Kanarienvogel", firstName="Paula")
    await office.desk(record, zusatz="Goldammer")
    code, out, err = await command(variables, "CBeteiligte", record)
    assert (code, err) == (0, ""), out
    assert "EspoCRM: Zusatz (leer) → Goldammer" in out
    assert "\x1b" not in out
    code, out, err = await command(variables, "beteiligte", record, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["forecast"]["plan"]["left_writes"] == {"zusatz": "Goldammer"}
    code, out, err = await command(variables, "CBeteiligte", record, "forget-link", "--dry-run")
    assert (code, "nichts getan" in err) == (0, True)
    code, out, err = await command(variables, "CBeteiligte", record, "release-brake", "--yes")
    assert (code, "Nichts freizugeben" in err) == (4, True)
    code, out, err = await command(variables, "CBeteiligte", record, "sync-now", "--yes")
    assert (code, err, "Eingereiht als Ereignis" in out) == (0, "", True)
    findings, _ = await office.asked(record)
    assert findings.journal[0][1].step == "operator_sync_now"
    assert "@" in findings.journal[0][1].rule
    assert findings.waiting.value is not None
    assert len(findings.waiting.value.records) == 1


async def test_the_command_has_an_exit_status_for_each_ending(environment: tuple[dict[str, str], Stage]) -> None:
    variables, office = environment
    nobody = f"66a1{uuid.uuid4().hex[:12]}"
    assert (await command(variables, "CBeteiligte", nobody))[0] == 1
    code, _, err = await command(variables, "CFahrzeug", nobody)
    assert (code, "Es gibt: CBeteiligte" in err) == (2, True)
    assert (await command(variables, "CBeteiligte", "no id!"))[0] == 2
    assert (await command(variables, "CBeteiligte", nobody, "sync-now"))[0] == 2
    code, _, err = await command({**variables, "DATABASE_URL": ""}, "CBeteiligte", nobody)
    assert (code, "DATABASE_URL: missing" in err) == (2, True)
    record = f"66a1{uuid.uuid4().hex[:12]}"
    await office.person(record, lastName="Probe", firstName="Paula")
    away = {**variables, "DATABASE_URL": "postgresql://nobody:geheim@127.0.0.1:1/nothing"}
    code, out, err = await command(away, "CBeteiligte", record)
    assert (code, err) == (3, "")
    assert "Nicht zu sehen: PostgreSQL" in out
    assert "Probe" in out
    assert "geheim" not in out
