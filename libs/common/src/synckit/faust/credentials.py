"""`KafkaAccess` as Faust takes it."""

from __future__ import annotations

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from synckit.kafka.access import KafkaAccess


def faust_options(access: KafkaAccess) -> dict[str, Any]:
    """For `faust.App`: where the brokers are, and how its consumer and its producer get in."""
    # kafka:// with TLS as well: Faust takes the protocol from the credentials, never from the address.
    servers = ";".join(f"kafka://{server}" for server in access.bootstrap_servers.split(","))
    return {"broker": servers, "broker_credentials": credentials(access)}


def credentials(access: KafkaAccess) -> CredentialsT | None:
    """None for PLAINTEXT. RuntimeError where Faust would speak another protocol than the one that was asked for."""
    made: CredentialsT | None = None
    if access.uses_sasl:
        # Faust's own default is PLAIN, and without a context it sends the password over SASL_PLAINTEXT, silently.
        made = SASLCredentials(
            username=access.username,
            password=access.password,
            mechanism=access.mechanism,
            ssl_context=access.ssl_context,
        )
    elif access.uses_tls:
        made = SSLCredentials(access.ssl_context)
    spoken = made.protocol.value if made is not None else "PLAINTEXT"
    if spoken != access.protocol:
        raise RuntimeError(f"Faust would speak {spoken} where {access.protocol} was asked for")
    return made
