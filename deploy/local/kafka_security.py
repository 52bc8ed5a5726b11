"""The local broker with TLS, passwords and rights: an authority of its own, a user for each of ours.

One listener takes passwords (SCRAM-SHA-512, PLAIN) over TLS, one takes client certificates, and whoever has no right
in `deploy/kafka/acls.yaml` may do nothing.
"""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path

from deploy.local.authority import Authority, Pair
from deploy.local.ports import LOOPBACK

ADMIN = "admin"
USERS = (ADMIN, "topics", "webhook-ingress", "beteiligte-sync", "ticker", "calendar-sync", "document-sync", "operator")
BROKER = "broker"
BY_CERTIFICATE = "kafka-mtls"
"""Name of the port of the listener that wants a client's certificate."""

# Between brokers, and to the controller, by certificate: SCRAM's users are themselves kept by the controller.
PROPERTIES = """\
listeners=SASL_SSL://{host}:{port},SSL://{host}:{tls_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=SASL_SSL://{host}:{port},SSL://{host}:{tls_port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:SSL
inter.broker.listener.name=SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
listener.name.ssl.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {plain};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:CN={broker};User:{admin}
"""
CLIENT_PROPERTIES = """\
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required {login};
ssl.truststore.type=PEM
ssl.truststore.location={ca}
"""


class KafkaSecurity:
    """What a secure broker's folder holds; made at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users_file = folder / "users.json"

    @property
    def is_there(self) -> bool:
        return self._users_file.exists()

    @property
    def authority(self) -> Authority:
        return Authority(self._folder)

    @property
    def users(self) -> dict[str, str]:
        """User → password; none where the broker speaks PLAINTEXT."""
        found: dict[str, str] = json.loads(self._users_file.read_text()) if self.is_there else {}
        return found

    def make(self) -> None:
        """Authority, the broker's certificate, users; what is there stays."""
        if self.is_there:
            return
        self.authority.issue(BROKER, hosts=(LOOPBACK, "localhost")).together()
        passwords = {user: secrets.token_urlsafe(24) for user in USERS}
        login = f'username="{ADMIN}" password="{passwords[ADMIN]}"'
        _write_private(
            self._folder / "admin.properties", CLIENT_PROPERTIES.format(login=login, ca=self.authority.ca_file)
        )
        _write_private(self._users_file, json.dumps(passwords, indent=1))

    def properties(self, ports: Mapping[str, int]) -> str:
        """The lines of server.properties about listeners and rights; `ports`: port, tls_port, controller_port."""
        plain = " ".join(f'user_{user}="{password}"' for user, password in self.users.items())
        keystore, ca = self._folder / f"{BROKER}.pem", self.authority.ca_file
        return PROPERTIES.format(
            host=LOOPBACK, keystore=keystore, ca=ca, plain=plain, broker=BROKER, admin=ADMIN, **ports
        )

    def format_arguments(self) -> list[str]:
        """For StorageTool: the users are in the log before the broker starts for the first time."""
        users = [f"SCRAM-SHA-512=[name={user},password={password}]" for user, password in self.users.items()]
        return [word for user in users for word in ("--add-scram", user)]

    def settings(self, user: str = ADMIN) -> dict[str, str]:
        """Our own variables for this user; none where the broker speaks PLAINTEXT."""
        if not self.is_there:
            return {}
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": self.users[user],
            "KAFKA_SSL_CA_FILE": str(self.authority.ca_file),
        }

    def client_context(self) -> ssl.SSLContext:
        """The broker's own identity, to ask on the listener for certificates whether it is there."""
        context = ssl.create_default_context(cafile=str(self.authority.ca_file))
        pair = Pair(self._folder / f"{BROKER}.crt", self._folder / f"{BROKER}.key")
        context.load_cert_chain(pair.cert, pair.key)
        return context


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
