"""The real servers come up, are ours, and come back with what they had."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from deploy.local.backends import Backends
from deploy.local.kafka import describe_cluster
from deploy.local.kafka_jars import declared_jars, kafka_home
from deploy.local.kafka_tool import run_tool
from deploy.local.supervisor import StackError

pytestmark = pytest.mark.stack


async def test_kafka_keeps_its_records_and_its_address_over_a_kill(backends: Backends) -> None:
    bootstrap = backends.kafka_bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("stack-kill", num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait("stack-kill", b"kept")
    await producer.stop()

    backends.kill("kafka")
    assert describe_cluster(int(bootstrap.partition(":")[2])) == b""
    backends.restart("kafka")

    assert backends.kafka_bootstrap == bootstrap
    assert run_tool("GetOffsetShell", "--bootstrap-server", bootstrap, "--topic", "stack-kill") == "stack-kill:0:1\n"


async def test_postgresql_keeps_its_rows_over_a_kill(backends: Backends) -> None:
    url = backends.create_database("stack_kill")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    backends.kill("postgres")
    connection.terminate()
    backends.restart("postgres")

    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT id FROM kept") == 7
    await connection.close()
    backends.drop_database("stack_kill")


async def test_redis_answers_on_the_same_address_after_a_restart(backends: Backends) -> None:
    url = backends.redis_url
    backends.restart("redis")
    assert backends.redis_url == url
    async with Redis.from_url(url) as client:
        assert await client.ping()


def test_a_port_that_another_broker_holds_is_not_taken_for_ours(backends: Backends, tmp_path: Path) -> None:
    assert backends.kafka_bootstrap
    stranger = Backends(tmp_path)
    (tmp_path / "ports.json").write_text((backends.state_dir / "ports.json").read_text())
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "cluster-id").write_text("AAAAAAAAAAAAAAAAAAAAAA")
    with pytest.raises(StackError, match="not of this stack"):
        stranger.kafka.is_ready()


def test_every_jar_of_the_class_path_is_one_that_the_repository_names() -> None:
    assert {path.name for path in kafka_home().glob("*.jar")} == {jar.file_name for jar in declared_jars()}
