"""A library that repeats itself gets a line a minute and kind, and none is left out without a count."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from synckit.log.logging import configure
from synckit.log.throttle import ThrottledHandler


class Log:
    """A configured log whose time passes by hand."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.out = io.StringIO()
        configure("test-service", style="json", stream=self.out, now=lambda: self.at)

    def lines(self, logger: str = "aiokafka") -> list[dict[str, Any]]:
        read = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in read if line.get("logger", "ours").startswith(logger)]


@pytest.fixture
def log() -> Iterator[Log]:
    root, saved = logging.getLogger(), logging.getLogger().handlers[:]
    made = Log()
    yield made
    structlog.reset_defaults()
    root.handlers[:] = saved
    root.setLevel(logging.WARNING)
    logging.captureWarnings(False)


def complain(times: int, name: str = "aiokafka.consumer.fetcher") -> None:
    for number in range(times):
        logging.getLogger(name).error("Failed fetch messages from %s: %s", number, ConnectionError())


@pytest.mark.parametrize("name", ["aiokafka.conn", "faust.app", "kafka", "mode.services"])
def test_nine_minutes_without_a_broker_are_nine_lines(log: Log, name: str) -> None:
    for _ in range(9 * 60):
        complain(17, name)
        log.at += 1
    lines = log.lines(name)
    assert len(lines) in (9, 10)
    assert {line["level"] for line in lines} == {"error"}
    logging.getLogger().handlers[0].close()
    lines = log.lines(name)
    assert len(lines) + sum(line.get("suppressed", 0) for line in lines) == 9 * 60 * 17


def test_another_sentence_another_level_and_another_logger_are_kinds_of_their_own(log: Log) -> None:
    complain(5)
    complain(5, "aiokafka.conn")
    logging.getLogger("aiokafka.conn").warning("Failed fetch messages from %s: %s", 1, 2)
    logging.getLogger("aiokafka.conn").error("Unable to connect to node %s", 3)
    assert len(log.lines()) == 4


def test_what_was_left_out_is_told_by_our_next_line_after_a_minute(log: Log) -> None:
    complain(5)
    log.at += 30
    structlog.get_logger().info("worker.handled")
    assert [line.get("suppressed") for line in log.lines()] == [None]
    log.at += 31
    structlog.get_logger().info("worker.handled")
    assert [line.get("suppressed") for line in log.lines()] == [None, 3]
    structlog.get_logger().info("worker.handled")
    assert len(log.lines()) == 2


def test_what_was_left_out_is_told_at_the_end(log: Log) -> None:
    complain(3)
    logging.getLogger().handlers[0].close()
    assert [line.get("suppressed") for line in log.lines()] == [None, 1]


def test_other_libraries_and_smaller_news_are_left_alone(log: Log) -> None:
    complain(5, "asyncpg.pool")
    assert len(log.lines("asyncpg")) == 5


@given(st.lists(st.tuples(st.floats(0, 90), st.sampled_from(["one", "two"])), max_size=60))
def test_no_line_is_lost_without_a_count(script: list[tuple[float, str]]) -> None:
    at = [0.0]
    counting = _Counting()
    handler = ThrottledHandler(io.StringIO(), lambda: at[0])
    handler.setFormatter(counting)
    for pause, words in script:
        at[0] += pause
        handler.handle(logging.LogRecord("aiokafka", logging.ERROR, "f", 1, words, (), None))
    handler.close()
    for words in ("one", "two"):
        assert counting.told_of(words) == sum(one == words for _, one in script)
    assert len(counting.told) <= 2 * (at[0] // 60 + 2)


class _Counting(logging.Formatter):
    """What was shown: the words, and how many lines the line stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []

    def told_of(self, words: str) -> int:
        return sum(count for one, count in self.told if one == words)

    def format(self, record: logging.LogRecord) -> str:
        self.told.append((record.msg, 1 + getattr(record, "suppressed", 0)))
        return ""
