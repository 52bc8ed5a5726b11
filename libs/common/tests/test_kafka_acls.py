"""The file of rights: complete for all that we start, strict, and no more than each needs."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.agents import TOPICS as WORKED_ON
from deploy.local.kafka_security import ADMIN, USERS
from deploy.local.table import SERVICES, kafka_user
from kanzlei.deadletters.desk import TOPICS as DEAD_LETTERS
from kanzlei.topics import ALL_TOPICS
from synckit.events import dead_letter_topic
from synckit.kafka.__main__ import main
from synckit.kafka.acls import Right, commands, parse_acls
from synckit.kafka.declaration import DeclarationError
from webhook_ingress.app import TOPICS as PUBLISHED

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "deploy" / "kafka" / "acls.yaml"


def rights() -> tuple[Right, ...]:
    return parse_acls(yaml.safe_load(FILE.read_text(encoding="utf-8")), ALL_TOPICS)


def names(user: str, operation: str, resource: str = "topic") -> set[str]:
    return {one.name for one in rights() if (one.user, one.resource, one.operation) == (user, resource, operation)}


def test_whoever_speaks_to_kafka_has_rights() -> None:
    ours = {kafka_user(service) for service in SERVICES if "KAFKA_BOOTSTRAP_SERVERS" in service.variables}
    assert ours <= {right.user for right in rights()}
    assert {right.user for right in rights()} | {ADMIN} == set(USERS)


def test_a_service_may_see_what_it_checks() -> None:
    """`check` compares every topic and its settings before a service starts."""
    for user in {right.user for right in rights()}:
        for operation in ("Describe", "DescribeConfigs"):
            assert names(user, operation) == set(ALL_TOPICS)


def test_rights_follow_what_is_consumed_and_published() -> None:
    assert names("webhook-ingress", "Write") == set(PUBLISHED)
    assert names("webhook-ingress", "Read") == set()
    assert set(WORKED_ON) <= names("beteiligte-sync", "Read")
    assert {dead_letter_topic(topic) for topic in WORKED_ON} <= names("beteiligte-sync", "Write")
    assert names("ticker", "Read") == names("operator", "Read") == set(DEAD_LETTERS)


def test_only_the_job_for_topics_changes_them() -> None:
    for operation in ("Create", "Alter", "AlterConfigs"):
        assert {right.user for right in rights() if right.operation == operation} == {"topics"}


def test_a_group_belongs_to_the_service_of_its_name() -> None:
    assert all(right.name == right.user for right in rights() if right.resource == "group")
    assert {right.operation for right in rights() if right.resource == "group"} == {"Read"}


def test_nothing_may_be_deleted() -> None:
    assert {right.operation for right in rights()} & {"Delete", "All", "ClusterAction"} == set()


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "exactly the section"),
        ({"users": {}, "groups": {}}, "exactly the section"),
        ({"users": {"a": []}}, "exactly the section"),
        ({"users": {"a": {"delete": "all"}}}, "a: unknown word delete"),
        ({"users": {"a": {"read": "t"}}}, "a: read: a list"),
        ({"users": {"a": {"read": []}}}, "a: read: a list"),
        ({"users": {"a": {"groups": "all"}}}, "a: groups: a list"),
        ({"users": {"a": {"read": ["other"]}}}, "a: read: no topic other is declared"),
    ],
)
def test_a_wrong_file_is_named_for_what_is_wrong(document: object, text: str) -> None:
    with pytest.raises(DeclarationError, match=text):
        parse_acls(document, {"t"})


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from(["all", "read", "t"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["read", "groups", "a"]), inner),
)


@given(st.dictionaries(st.just("users"), json_values))
def test_no_file_makes_the_parser_fail_otherwise(document: object) -> None:
    with suppress(DeclarationError):
        assert all(right.name for right in parse_acls(document, {"t"}))


def test_the_commands_grant_exactly_the_rights() -> None:
    """What Kafka's own tool is told, read back, is what the file says."""
    told = set()
    for line in commands(rights(), "User:CN={}", "host:9092"):
        words = shlex.split(line)
        assert words[:4] == ["kafka-acls.sh", "--bootstrap-server", "host:9092", "--add"]
        user = words[words.index("--allow-principal") + 1].removeprefix("User:CN=")
        operation = words[words.index("--operation") + 1]
        pairs = zip(words[8::2], words[9::2], strict=True)
        told |= {Right(user, resource.removeprefix("--"), name, operation) for resource, name in pairs}
    assert told == set(rights())


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["acls", "--bootstrap", "h:1"], 0),
        (["grant", "--bootstrap", "h:1", "--dry-run"], 0),
        (["grant", "--bootstrap", "127.0.0.1:1"], 3),
        (["acls", "--bootstrap", "h:1", "--principal", "User:all"], 2),
        (["acls", "--bootstrap", "h:1", "--acls", "none.yaml"], 2),
    ],
)
def test_the_command_ends_as_it_says(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    ended = main(arguments)
    told = capsys.readouterr()
    assert ended == status, told
    assert len(told.err.splitlines()) == (1 if status else 0), told.err
    assert ("User:ticker" in told.out) is (status == 0), told.out
