"""Every client of Kafka that we ship is made with the one `KafkaAccess`: none may forget TLS or the password."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [
    path for folder in ("libs", "services", "examples") for path in sorted((ROOT / folder).glob("**/src/**/*.py"))
]
WATCHING = sorted((ROOT / "demo").glob("*.py"))
"""Not shipped, and at work on a stack with TLS as well."""
CLIENTS = {
    "AIOKafkaProducer": "options",
    "AIOKafkaConsumer": "options",
    "AIOKafkaAdminClient": "options",
    "AIOKafkaClient": "options",
    "AIOKafkaConnection": "security",
    "create_conn": "security",
    "App": "faust_options",
    "SafeApp": "faust_options",
}
"""What is called → what has to be unpacked in its call."""
OF_ACCESS = ("bootstrap_servers", "security_protocol", "ssl_context", "broker", "broker_credentials")
KNOWS_ADDRESSES = (
    "synckit/kafka/access.py",
    "synckit/kafka/probe.py",
    "synckit/faust/credentials.py",
    "synckit/service/settings.py",
)


def name_of(call: ast.expr) -> str:
    return ast.unparse(call).rpartition(".")[2]


def constructions(text: str) -> Iterator[tuple[int, str, list[str], list[str]]]:
    """Line, what is made, names of the functions whose answers are unpacked, names of the plain arguments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and name_of(node.func) in CLIENTS:
            unpacked = [one.value for one in node.keywords if one.arg is None]
            calls = [name_of(one.func) for one in unpacked if isinstance(one, ast.Call)]
            yield node.lineno, name_of(node.func), calls, [one.arg for one in node.keywords if one.arg]


def wrong(text: str) -> list[str]:
    return [
        f"{line}: {made}"
        for line, made, unpacked, plain in constructions(text)
        if CLIENTS[made] not in unpacked or any(one in OF_ACCESS or one.startswith("sasl_") for one in plain)
    ]


def test_every_client_gets_the_access() -> None:
    found = {str(path.relative_to(ROOT)): wrong(path.read_text()) for path in (*SHIPPED, *WATCHING)}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_clients_are_seen() -> None:
    """The test above looks at something: each kind of client is made somewhere."""
    made = {one for path in SHIPPED for _, one, _, _ in constructions(path.read_text())}
    assert {"AIOKafkaProducer", "AIOKafkaConsumer", "AIOKafkaAdminClient", "create_conn", "SafeApp"} <= made


@pytest.mark.parametrize(
    "text",
    [
        "AIOKafkaConsumer(bootstrap_servers=servers)",
        "aiokafka.AIOKafkaProducer(**access.options(), security_protocol='PLAINTEXT')",
        "AIOKafkaAdminClient(**options)",
        "faust.App('x', broker='kafka://x:1')",
        "SafeApp(worker, **faust_options(access), broker_credentials=None)",
        "create_conn(host, port, **access.options())",
    ],
)
def test_a_client_without_the_access_is_seen(text: str) -> None:
    assert wrong(text)


def test_nobody_else_takes_the_addresses_alone() -> None:
    """`settings.kafka.bootstrap_servers` without the rest would be PLAINTEXT."""
    seen = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SHIPPED
        if not str(path).endswith(KNOWS_ADDRESSES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "bootstrap_servers"
    ]
    assert seen == []
