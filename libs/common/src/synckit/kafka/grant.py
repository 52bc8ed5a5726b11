"""Grants the rights of `acls.yaml` in a cluster, as one of its administrators."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from synckit.errors import RemoteRejected
from synckit.kafka.access import KafkaAccess
from synckit.kafka.acls import Right
from synckit.kafka.probe import KafkaRefused, in_use, started

# Kafka's own numbers (AclOperation, ResourceType, PatternType, AclPermissionType).
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Alter": 7, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
_RESOURCES = {"topic": 2, "group": 3}
_LITERAL, _ALLOW, _ANY_HOST = 3, 3, "*"
_DENIED = (29, 30, 31)


async def grant(access: KafkaAccess, rights: Sequence[Right], principal: str) -> None:
    """One after another; what is granted already stays. RemoteUnavailable, KafkaRefused, RemoteRejected."""
    client = AIOKafkaAdminClient(**access.options())
    try:
        await started(client, access)
        for right in rights:
            await _grant(client, right, principal.format(right.user))
    except KafkaError as error:
        raise in_use(error) from None
    finally:
        await client.close()


async def _grant(client: AIOKafkaAdminClient, right: Right, principal: str) -> None:
    resource, operation = _RESOURCES[right.resource], _OPERATIONS[right.operation]
    asked = CreateAclsRequest(resource, right.name, _LITERAL, principal, _ANY_HOST, operation, _ALLOW)
    answer = await client._send_request(asked)
    for code, _ in answer.creation_responses:
        if code in _DENIED:
            raise KafkaRefused("our user may not grant rights: it takes an administrator of the cluster")
        if code:
            raise RemoteRejected(
                "kafka", code, f"granting {right.operation} on {right.name}: {for_code(code).__name__}"
            )
