"""The whole stack on a Kafka with TLS, passwords and rights: all works with the least, and what is wrong is told."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.morning import morning
from demo.people import Person
from deploy.local.authority import Authority, Pair
from deploy.local.guardian import Guardian
from deploy.local.kafka_security import BY_CERTIFICATE
from deploy.local.office import Office
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.table import INGRESS, ROOT, SERVICES, TICKER, TOPICS, WORKER, Job, Wiring
from kanzlei.topics import ALL_TOPICS, BETEILIGTE, CALENDAR_SYNC
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.events import Record
from synckit.kafka.access import KafkaAccess, access_from
from synckit.kafka.acls import Right, parse_acls
from synckit.kafka.admin import topic_admin
from synckit.kafka.declaration import Difference, Remedy, Topic
from synckit.kafka.grant import grant
from synckit.kafka.inspect import KafkaInspector
from synckit.kafka.probe import KafkaRefused
from synckit.kafka.publisher import KafkaPublisher, require_topics
from synckit.kafka.scan import Bounds, TopicScanner
from tests.e2e.conftest import QUICK
from tests.e2e.test_start import ended

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
ON_KAFKA = [service for service in SERVICES if "KAFKA_BOOTSTRAP_SERVERS" in service.variables]
LETTERS = Job(TICKER.name, "kanzlei.deadletters", ("ls",), ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"))
SECRET = "Zwiebelfisch"
CHECK = replace(TOPICS, name=TICKER.name, arguments=("check",))
"""As an init container runs it: with the user of a service."""


@pytest.fixture(scope="module")
def secure() -> Iterator[Office]:
    """Everything, running and ready, each service as a user of its own. Leave it so."""
    folder = Path(tempfile.mkdtemp(prefix="synckit-secure-"))
    guardian = Guardian(folder, remove=True)
    stack = Office(folder, extra=QUICK, secure=True)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        guardian.close()


@pytest.fixture(scope="module")
def authority(secure: Office) -> Authority:
    return secure.backends.kafka.security.authority


def by_certificate(secure: Office, pair: Pair | None) -> dict[str, str]:
    """Variables of a client that shows a certificate, and has no password."""
    files = {"KAFKA_SSL_CERT_FILE": str(pair.cert), "KAFKA_SSL_KEY_FILE": str(pair.key)} if pair else {}
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{Ports(secure.state_dir).of(BY_CERTIFICATE)}",
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_SASL_USERNAME": "",
        "KAFKA_SASL_PASSWORD": "",
        "KAFKA_SSL_CA_FILE": secure.addresses.kafka_settings["KAFKA_SSL_CA_FILE"],
        **files,
    }


def of(secure: Office, variables: Mapping[str, str]) -> KafkaAccess:
    return access_from(variables, variables.get("KAFKA_BOOTSTRAP_SERVERS", secure.addresses.kafka))


def user(secure: Office, name: str) -> KafkaAccess:
    return of(secure, secure.addresses.kafka_settings_of(name))


async def a_person_arrives(secure: Office, name: str) -> None:
    """Webhook → topic → worker → Advoware and back: the record is clean."""
    async with morning(secure, secure.addresses) as seen:
        [linked] = await seen.link(Person("Sabine", name, "1970-03-01"))
        assert (await seen.advo.party(linked.right))["name"] == name


async def test_a_morning_with_passwords_and_rights(secure: Office) -> None:
    """Ingress, worker, ticker, calendar are ready, each with its own user's rights alone; a party goes through."""
    assert all(secure.is_ready(service.name) for service in ON_KAFKA)
    await a_person_arrives(secure, "Schloss")
    for job in (CHECK, LETTERS):
        assert secure.run_job(job)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "password": (
        {"KAFKA_SASL_PASSWORD": SECRET},
        "does not know user and password for SCRAM-SHA-512: KAFKA_SASL_USER",
    ),
    "mechanism": (
        {"KAFKA_BOOTSTRAP_SERVERS": "mtls", "KAFKA_SSL_CERT_FILE": "cert", "KAFKA_SSL_KEY_FILE": "key"},
        "takes no user and password on this port: KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    ),
    "authority": ({"KAFKA_SSL_CA_FILE": "other"}, "of an authority that is not believed: KAFKA_SSL_CA_FILE"),
    "host": ({"KAFKA_BOOTSTRAP_SERVERS": "name"}, "for another host name: KAFKA_BOOTSTRAP_SERVERS must name it"),
    "client": (
        {
            "KAFKA_BOOTSTRAP_SERVERS": "mtls",
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SASL_USERNAME": "",
            "KAFKA_SASL_PASSWORD": "",
        },
        "wants a client's certificate that it believes: KAFKA_SSL_CERT_FILE",
    ),
}


@pytest.fixture(scope="module")
def wrong(secure: Office, authority: Authority) -> dict[str, dict[str, str]]:
    """Case → the variables of a ticker who has one of them wrong."""
    pair, address = authority.issue("ticker"), secure.addresses.kafka
    stands_for = {
        "mtls": by_certificate(secure, None)["KAFKA_BOOTSTRAP_SERVERS"],
        "cert": str(pair.cert),
        "key": str(pair.key),
        "other": str(Authority(secure.state_dir / "other").ca_file),
        "name": address.replace(LOOPBACK, "127.1"),
    }
    right = secure.addresses.kafka_settings_of("ticker")
    return {
        case: {"KAFKA_BOOTSTRAP_SERVERS": address, **right, **{k: stands_for.get(v, v) for k, v in changed.items()}}
        for case, (changed, _) in WRONG.items()
    }


@pytest.mark.parametrize("case", WRONG)
async def test_a_command_tells_what_is_wrong(secure: Office, wrong: dict[str, dict[str, str]], case: str) -> None:
    """One line that names the variable, exit status 4: refused, and not 3: nobody answers."""
    wiring = Wiring(secure.addresses, secure.secrets_file, wrong[case])
    status, out, err = await ended(wiring.argv(CHECK), wiring.environment(CHECK))
    assert status == 4, out + err
    [line] = err.splitlines()
    assert WRONG[case][1] in line
    assert SECRET not in out + err


async def test_services_end_with_the_reason(secure: Office, wrong: dict[str, dict[str, str]]) -> None:
    """None waits for ever for a broker that is there: each says why in one line and ends with 1."""
    cases = dict(zip(ON_KAFKA, ("password", "host", "authority", "mechanism"), strict=False))

    async def run(service: Any, case: str) -> None:
        wiring = Wiring(secure.addresses, secure.secrets_file, {"LOG_FORMAT": "json", **wrong[case]})
        status, out, err = await ended(wiring.argv(service), wiring.environment(service, 0))
        assert status == 1, out + err
        told = [line for line in map(json.loads, out.splitlines()) if line["event"] == "kafka.refused"]
        assert [WRONG[case][1] in line["error"] for line in told] == [True], out + err

    await asyncio.gather(*(run(service, case) for service, case in cases.items()))


async def test_dead_letters_need_the_password(secure: Office, wrong: dict[str, dict[str, str]]) -> None:
    wiring = Wiring(secure.addresses, secure.secrets_file, wrong["password"])
    status, out, err = await ended(wiring.argv(LETTERS), wiring.environment(LETTERS))
    assert (status, WRONG["password"][1] in err) == (4, True), out + err


async def test_a_broker_without_the_mechanism(secure: Office) -> None:
    """The broker takes SCRAM-SHA-512 and PLAIN; what it does not know is another refusal than a wrong password."""
    access = user(secure, "ticker")
    object.__setattr__(access, "mechanism", "SCRAM-SHA-256")
    with pytest.raises(KafkaRefused, match="does not take this mechanism: KAFKA_SASL_MECHANISM=SCRAM-SHA-256"):
        await require_topics(access, [BETEILIGTE])


async def test_a_port_that_speaks_otherwise_is_waited_for(secure: Office) -> None:
    """A broker that just ends closes connections as well: no refusal, but the text says what to look at."""
    publisher = KafkaPublisher(KafkaAccess(secure.addresses.kafka), client_id="test")
    with pytest.raises(RemoteUnavailable, match="ends the connection: is KAFKA_SECURITY_PROTOCOL=PLAINTEXT what"):
        await publisher._connect()


async def test_a_plain_password_over_tls(secure: Office) -> None:
    access = of(secure, {**secure.addresses.kafka_settings_of("ticker"), "KAFKA_SASL_MECHANISM": "PLAIN"})
    publisher = KafkaPublisher(access, client_id="test")
    await publisher.start()
    await publisher.ping()
    await publisher.stop()


async def test_rights_are_the_least(secure: Office) -> None:
    """The ingress reads nothing, nobody but its owner publishes where nothing is theirs, none makes a topic."""
    ingress, calendar = user(secure, INGRESS.name), user(secure, "calendar-sync")
    with pytest.raises(KafkaRefused, match="lacks a right: TopicAuthorizationFailedError"):
        await TopicScanner(ingress, client_id="test").scan([BETEILIGTE], Bounds())
    with pytest.raises(KafkaRefused, match="lacks a right: GroupAuthorizationFailedError"):
        await KafkaInspector(ingress, client_id="test").waiting(BETEILIGTE, WORKER.name, "k1")
    publisher = KafkaPublisher(calendar, client_id="test")
    await publisher.start()
    try:
        with pytest.raises(RemoteUnavailable, match=f"{BETEILIGTE}: TopicAuthorizationFailedError"):
            await publisher.publish(BETEILIGTE, [Record(b"k1", b"{}", ())])
        await publisher.ping()
    finally:
        await publisher.stop()
    new = Topic("vmh.new", 1, 1, "delete", 1000, 1)
    async with topic_admin(ingress) as admin:
        with pytest.raises(RemoteRejected, match=r"creating vmh\.new: TopicAuthorizationFailedError"):
            await admin.apply([Difference(new.name, Remedy.CREATE)], {new.name: new})
    with pytest.raises(KafkaRefused, match="it takes an administrator"):
        await grant(ingress, [Right("x", "topic", BETEILIGTE, "Read")], "User:{}")


async def test_what_may_not_be_seen_is_not_missing(secure: Office, authority: Authority) -> None:
    """No advice to create what is there, and no KeyError where settings may not be read."""
    nobody = of(secure, by_certificate(secure, authority.issue("nobody")))
    with pytest.raises(KafkaRefused, match=f"may not see {CALENDAR_SYNC}, {BETEILIGTE} \\(Describe"):
        await require_topics(nobody, [BETEILIGTE, CALENDAR_SYNC])
    seen = [Right("nobody", "topic", BETEILIGTE, "Describe")]
    await grant(of(secure, secure.addresses.kafka_settings), seen, "User:CN={}")
    await require_topics(nobody, [BETEILIGTE])
    async with topic_admin(nobody) as admin:
        with pytest.raises(KafkaRefused, match=f"may not read the settings of {BETEILIGTE} \\(DescribeConfigs"):
            await admin.found([BETEILIGTE])


async def test_a_morning_with_certificates(secure: Office, authority: Authority) -> None:
    """Ingress, worker and ticker show a client's certificate; renewed while they run, nothing is restarted."""
    document = yaml.safe_load((ROOT / "deploy" / "kafka" / "acls.yaml").read_text(encoding="utf-8"))
    rights = parse_acls(document, ALL_TOPICS)
    await grant(of(secure, secure.addresses.kafka_settings), rights, "User:CN=office")
    extra = by_certificate(secure, authority.issue("office"))
    names = (INGRESS.name, WORKER.name, TICKER.name)
    other = Office(secure.state_dir, extra={**QUICK, **extra})
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(other.restart, names))
        await a_person_arrives(secure, "Urkunde")
        authority.issue("office")
        await asyncio.to_thread(secure.backends.restart, "kafka")
        await a_person_arrives(secure, "Erneuert")
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(secure.restart, names))
