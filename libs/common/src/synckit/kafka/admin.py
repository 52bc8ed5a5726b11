"""The cluster's topics as they are, and the remedies for what differs. The only place that changes topics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.kafka.access import KafkaAccess
from synckit.kafka.acls import ACLS_FILE
from synckit.kafka.declaration import Difference, Remedy, Topic
from synckit.kafka.probe import KafkaRefused, in_use, started

REQUEST_MS = 15_000
_SET_ON_TOPIC = 1  # Kafka's config source DYNAMIC_TOPIC_CONFIG: set by hand, not inherited from the broker
_ALREADY_THERE = 36


class TopicAdmin:
    """Use as `async with topic_admin(bootstrap) as admin`."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def missing(self, names: Collection[str]) -> list[str]:
        """Those of `names` that the cluster does not have. KafkaRefused where we may not know."""
        there = set(await self._client.list_topics())
        return await self._not_there(set(names) - there)

    async def found(self, names: Collection[str]) -> dict[str, Topic]:
        """Those of `names` that are there, as they are. KafkaRefused where we may not know."""
        described = await self._client.describe_topics()
        there = {
            one["topic"]: one["partitions"] for one in described if one["topic"] in names and not one["error_code"]
        }
        await self._not_there(set(names) - set(there))
        configs = await self._configs(sorted(there))
        return {name: _as_topic(name, partitions, configs[name]) for name, partitions in there.items()}

    async def apply(self, differences: Sequence[Difference], declared: Mapping[str, Topic]) -> None:
        """Carries the remedies out; what is refused is left. RemoteRejected names the topic that failed."""
        creating = [declared[one.topic] for one in differences if one.remedy is Remedy.CREATE]
        if creating:
            await self._create(creating)
        for name in sorted({one.topic for one in differences if one.remedy is Remedy.CONFIGURE}):
            await self._configure(declared[name])
        growing = {
            one.topic: NewPartitions(declared[one.topic].partitions)
            for one in differences
            if one.remedy is Remedy.ADD_PARTITIONS
        }
        if growing:
            for name, code, _ in (await self._client.create_partitions(growing)).topic_errors:
                if code:
                    raise RemoteRejected("kafka", code, f"adding partitions to {name}: {for_code(code).__name__}")

    async def _not_there(self, unseen: Collection[str]) -> list[str]:
        """A broker lists only what we may see: asked for by name, it tells what is missing from what is hidden."""
        if not unseen:
            return []
        # Never created on the way: a broker that makes topics by itself would make one with its own settings.
        asked = MetadataRequest(sorted(unseen), allow_auto_topic_creation=False)
        answer = (await self._client._send_request(asked)).to_object()
        hidden = [one["topic"] for one in answer["topics"] if one["error_code"] == TopicAuthorizationFailedError.errno]
        if hidden:
            raise KafkaRefused(f"our user may not see {', '.join(sorted(hidden))} (Describe, {ACLS_FILE})")
        return sorted(unseen)

    async def _create(self, topics: Sequence[Topic]) -> None:
        asked = [
            NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=topic.configs) for topic in topics
        ]
        answer = await self._client.create_topics(asked, timeout_ms=REQUEST_MS)
        for error in answer.topic_errors:
            # Somebody else was quicker: the next check says whether it is as declared.
            if error[1] not in (0, _ALREADY_THERE):
                raise RemoteRejected("kafka", error[1], f"creating {error[0]}: {for_code(error[1]).__name__}")

    async def _configure(self, topic: Topic) -> None:
        # The request replaces all settings of the topic: what others have set by hand is sent along.
        entries = (await self._entries([topic.name]))[topic.name]
        by_hand = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs={**by_hand, **topic.configs})
        for answer in await self._client.alter_configs([resource]):
            for error in answer.resources:
                if error[0]:
                    raise RemoteRejected("kafka", error[0], f"configuring {topic.name}: {for_code(error[0]).__name__}")

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        entries = await self._entries(names)
        return {name: {entry[0]: entry[1] for entry in entries[name]} for name in names}

    async def _entries(self, names: Sequence[str]) -> dict[str, list[Any]]:
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answers = await self._client.describe_configs(resources)
        found = [resource for answer in answers for resource in answer.resources]
        refused = {resource[3]: for_code(resource[0]) for resource in found if resource[0]}
        denied = sorted(name for name, kind in refused.items() if kind is TopicAuthorizationFailedError)
        if denied:
            text = f"our user may not read the settings of {', '.join(denied)} (DescribeConfigs, {ACLS_FILE})"
            raise KafkaRefused(text)
        for name, kind in refused.items():
            raise RemoteUnavailable("kafka", f"settings of {name}: {kind.__name__}")
        return {resource[3]: resource[4] for resource in found}


@asynccontextmanager
async def topic_admin(access: KafkaAccess) -> AsyncIterator[TopicAdmin]:
    """RemoteUnavailable where no broker answers, KafkaRefused where one refuses us."""
    client = AIOKafkaAdminClient(**access.options(), request_timeout_ms=REQUEST_MS)
    try:
        await started(client, access)
        yield TopicAdmin(client)
    except KafkaError as error:
        raise in_use(error) from None
    finally:
        await client.close()


def _as_topic(name: str, partitions: Sequence[Mapping[str, Any]], configs: Mapping[str, str]) -> Topic:
    return Topic(
        name=name,
        partitions=len(partitions),
        replication=min((len(one["replicas"]) for one in partitions), default=0),
        cleanup=configs["cleanup.policy"],
        retention_ms=int(configs["retention.ms"]),
        min_insync=int(configs["min.insync.replicas"]),
    )
