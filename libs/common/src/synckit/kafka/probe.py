"""Why no broker could be used: away, or one that refuses us. aiokafka's clients say the same of both.

Asked only after a client could not connect: one connection more to each broker, which is closed at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, Protocol

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from synckit.errors import PermanentError, RemoteUnavailable, SyncError
from synckit.kafka.access import KafkaAccess
from synckit.kafka.acls import ACLS_FILE

UPSTREAM = "kafka"
CONNECT_MS = 5_000
_LACKING = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
# OpenSSL's X509_V_ERR_*: ssl has no names for them.
_NOT_YET, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64
_CERTIFICATE_ALERTS = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "EXPIRED")


class KafkaRefused(PermanentError):
    """A broker is there and does not let us in. The text names the broker and the variable to look at, in one line."""

    code = "kafka_refused"


async def unusable(access: KafkaAccess, error: BaseException) -> SyncError:
    """What to raise where a client has failed with `error`: KafkaRefused, or RemoteUnavailable where nobody answers."""
    hint = ""
    for host, port in _addresses(access.bootstrap_servers):
        try:
            await _try(access, host, port)
        except (KafkaError, OSError, TimeoutError) as seen:
            refused = _refusal(access, seen)
            if refused is not None:
                return KafkaRefused(f"{host}:{port} {refused}")
            hint = _hint(access, host, port, seen) or hint
        else:
            hint = ""
            break
    return RemoteUnavailable(UPSTREAM, hint or type(error).__name__)


class _Startable(Protocol):
    async def start(self) -> Any: ...


async def started(client: _Startable, access: KafkaAccess) -> None:
    """Starts one of aiokafka's clients. KafkaRefused, or RemoteUnavailable where nobody answers."""
    try:
        await client.start()
    except KafkaError as error:
        raise await unusable(access, error) from None


def in_use(error: KafkaError) -> SyncError:
    """What to raise where a client that was connected has failed: KafkaRefused where a right is lacking."""
    if isinstance(error, _LACKING):
        return KafkaRefused(f"our user lacks a right: {type(error).__name__} ({ACLS_FILE})")
    return RemoteUnavailable(UPSTREAM, type(error).__name__)


async def _try(access: KafkaAccess, host: str, port: int) -> None:
    async with asyncio.timeout(2 * CONNECT_MS / 1000):
        connection = await create_conn(
            host, port, client_id="synckit-probe", request_timeout_ms=CONNECT_MS, **access.security()
        )
        try:
            # Without a password, a broker that wants one takes the connection and refuses the first question.
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()


def _refusal(access: KafkaAccess, error: BaseException) -> str | None:
    """What a broker has against us, where it can be nothing else."""
    tls = next((one for one in _causes(error) if isinstance(one, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return _certificate(tls.verify_code)
    if tls is not None and any(word in (tls.reason or "") for word in _CERTIFICATE_ALERTS):
        return "wants a client's certificate that it believes: KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"does not take this mechanism: KAFKA_SASL_MECHANISM={access.mechanism}"
    if isinstance(error, IllegalSaslStateError):
        return f"takes no user and password on this port: KAFKA_SECURITY_PROTOCOL={access.protocol}"
    if isinstance(error, SaslAuthenticationFailed):
        return f"does not know user and password for {access.mechanism}: KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD"
    return None


def _certificate(code: int) -> str:
    if code in (_OTHER_HOST, _OTHER_ADDRESS):
        return "shows a certificate for another host name: KAFKA_BOOTSTRAP_SERVERS must name it as the certificate does"
    if code in (_EXPIRED, _NOT_YET):
        return "shows a certificate that has expired, or is not valid yet: the broker's, or our clock"
    return "shows a certificate of an authority that is not believed: KAFKA_SSL_CA_FILE"


def _hint(access: KafkaAccess, host: str, port: int, error: BaseException) -> str:
    """Of one who takes the connection and ends it: a broker that just ends does so too, so that one waits."""
    if isinstance(error, TimeoutError) or not _was_closed(error):
        return ""
    return f"{host}:{port} ends the connection: is KAFKA_SECURITY_PROTOCOL={access.protocol} what this port speaks?"


def _was_closed(error: BaseException) -> bool:
    broken = (KafkaConnectionError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLError)
    return isinstance(error, broken)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _addresses(bootstrap_servers: str) -> Iterator[tuple[str, int]]:
    for each in bootstrap_servers.split(","):
        host, _, port = each.rpartition(":")
        yield host, int(port)
