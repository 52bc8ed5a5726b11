"""The declaration of topics: complete, strict, and compared with what a cluster has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kanzlei import topics
from synckit.events import dead_letter_topic
from synckit.kafka.__main__ import main
from synckit.kafka.declaration import DeclarationError, Difference, Remedy, Topic, compare, parse

FILE = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "topics.yaml"
DEFAULTS = {"partitions": 2, "keyed": True, "cleanup": "delete", "retention_days": 1, "min_insync": 2}


def declared(replication: int = 1) -> dict[str, Topic]:
    return parse(yaml.safe_load(FILE.read_text(encoding="utf-8")), replication)


def test_every_topic_that_has_a_name_is_declared_and_nothing_else() -> None:
    assert set(declared()) == topics.ALL_TOPICS


def test_every_source_has_its_dead_letters() -> None:
    assert {dead_letter_topic(name) for name in topics.SOURCE_TOPICS} <= topics.ALL_TOPICS


def test_topics_whose_events_are_in_order_by_record_are_keyed_and_shared_evenly_by_workers() -> None:
    for name in topics.EVENT_TOPICS.values():
        topic = declared()[name]
        assert topic.keyed
        assert [topic.partitions % workers for workers in (1, 2, 3, 4, 6)] == [0] * 5


@pytest.mark.parametrize(("replication", "insync"), [(1, 1), (2, 1), (3, 2), (5, 2)])
def test_one_broker_may_be_away_whatever_the_replication(replication: int, insync: int) -> None:
    assert {topic.min_insync for topic in declared(replication).values()} == {insync}
    assert {topic.replication for topic in declared(replication).values()} == {replication}


def test_a_cluster_as_declared_has_no_differences() -> None:
    assert compare(declared(), declared()) == []


def test_a_missing_topic_is_to_be_created() -> None:
    there = declared()
    del there[topics.BETEILIGTE]
    assert compare(declared(), there) == [Difference(topics.BETEILIGTE, Remedy.CREATE)]


def test_what_nobody_declared_is_left_alone() -> None:
    assert compare({}, declared()) == []


@pytest.mark.parametrize("count", [1, 24])
def test_another_partition_count_of_a_keyed_topic_is_refused_with_the_reason(count: int) -> None:
    there = {"t": _topic(partitions=count)}
    [difference] = compare({"t": _topic()}, there)
    assert difference.remedy is Remedy.REFUSE
    assert str(difference).startswith(f"t: partitions is {count}, declared is 2; refused: with another count")


def test_a_topic_without_keys_may_grow_and_not_shrink() -> None:
    [grown] = compare({"t": _topic(keyed=False)}, {"t": _topic(partitions=1)})
    [shrunk] = compare({"t": _topic(keyed=False)}, {"t": _topic(partitions=3)})
    assert (grown.remedy, shrunk.remedy) == (Remedy.ADD_PARTITIONS, Remedy.REFUSE)


def test_another_replication_is_refused_and_another_retention_is_set() -> None:
    there = {"t": _topic(replication=3, retention_ms=5)}
    found = compare({"t": _topic()}, there)
    assert [(one.setting, one.remedy) for one in found] == [
        ("replication", Remedy.REFUSE),
        ("retention.ms", Remedy.CONFIGURE),
    ]


def _topic(*, partitions: int = 2, replication: int = 1, retention_ms: int = 86_400_000, keyed: bool = True) -> Topic:
    return Topic("t", partitions, replication, "delete", retention_ms, 1, keyed)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (None, "the file: not a mapping"),
        ([], "the file: not a mapping"),
        ({"defaults": DEFAULTS}, "sections"),
        ({"topics": {}, "more": {}}, "sections"),
        ({"topics": {"t": None}}, "t: not a mapping"),
        ({"topics": {"t": {}}}, "t: missing cleanup, keyed"),
        ({"topics": {"t": {"partition": 1}}}, "t: unknown setting partition"),
        ({"defaults": DEFAULTS, "topics": {"t": {"partitions": "many"}}}, "t: partitions is not a int"),
        ({"defaults": DEFAULTS, "topics": {"t": {"partitions": True}}}, "t: partitions is not a int"),
        ({"defaults": DEFAULTS, "topics": {"t": {"partitions": 0}}}, "t: partitions is at least 1"),
        ({"defaults": DEFAULTS, "topics": {"t": {"cleanup": "sometimes"}}}, "t: cleanup is one of"),
    ],
)
def test_a_wrong_file_is_named_for_what_is_wrong_with_it(document: object, text: str) -> None:
    with pytest.raises(DeclarationError, match=text):
        parse(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["topics", "defaults"]), json_values))
def test_no_file_makes_the_parser_fail_in_another_way(document: object) -> None:
    with suppress(DeclarationError):
        assert all(topic.partitions >= 1 for topic in parse(document).values())


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["check", "--file", "no-such-file.yaml", "--bootstrap", "127.0.0.1:1"], 2),
        (["check", "--file", str(FILE), "--bootstrap", ""], 2),
        (["apply", "--file", str(FILE), "--bootstrap", "127.0.0.1:1"], 3),
    ],
)
def test_the_command_says_in_one_line_what_it_lacks_and_no_broker_is_not_a_wrong_call(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert told[0].startswith("synckit.kafka: ")
