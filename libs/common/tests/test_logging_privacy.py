"""Nothing that looks like a client's leaves through a log, whatever was given to it, by whomever."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from synckit.errors import RemoteRejected
from synckit.log import redaction
from synckit.log.checked_text import PLAIN, ident, word
from synckit.log.logging import configure, tell
from synckit.log.redaction import allow, redacted
from synckit.testing.known_line import example_line

PLANTED = ("Zwiebelfisch", "Käthe Müller-Lüdenscheidt", "DE89370400440532013000", "1952-03-14", "kaethe@example.org")


@pytest.fixture(params=["json", "console"])
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root, saved = logging.getLogger(), logging.getLogger().handlers[:]
    out = io.StringIO()
    configure("test-service", level="debug", style=request.param, stream=out)
    yield out
    structlog.reset_defaults()
    root.handlers[:] = saved
    root.setLevel(logging.WARNING)
    logging.captureWarnings(False)


def written(stream: io.StringIO) -> str:
    text = stream.getvalue()
    assert text
    for planted in PLANTED:
        assert planted not in text
    return text


def test_values_under_unknown_keys_are_redacted(stream: io.StringIO) -> None:
    log = structlog.get_logger("test")
    for planted in PLANTED:
        log.info("looked", nachname=planted, payload={"lastName": planted}, items=[{"iban": planted}], count=3)
    assert "looked" in written(stream)


def test_free_text_under_known_keys_is_redacted(stream: io.StringIO) -> None:
    structlog.get_logger("test").info(
        "looked", reason="Käthe Müller-Lüdenscheidt", entity_id="kaethe mueller", field="x" * 500
    )
    assert "kaethe" not in written(stream)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that has a key and a topic of its own."""
    monkeypatch.setattr(redaction, "_allowed", redaction._Allowed())
    allow({"betnr"}, ("vmh.",))


def test_a_key_of_another_service_is_redacted(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_allowed", redaction._Allowed())
    structlog.get_logger("test").warning("synced", betnr="104711")
    logging.getLogger("aiokafka").error("Lost %s", "vmh.beteiligte")
    assert "104711" not in written(stream)
    assert "vmh.beteiligte" not in written(stream)


@pytest.mark.usefixtures("own")
def test_ids_words_and_numbers_stay(stream: io.StringIO) -> None:
    structlog.get_logger("test").warning("synced", entity="beteiligte", entity_id="6b00d1fb8988dc5a8", betnr=104711)
    text = written(stream)
    assert all(kept in text for kept in ("synced", "beteiligte", "6b00d1fb8988dc5a8", "104711", "test-service"))


def test_a_line_of_a_fixed_form_says_what_any_line_does(stream: io.StringIO) -> None:
    tell(example_line(7))
    structlog.get_logger().info("told", entity="beteiligte", trace_id="a1" * 16, count=7, seconds=0.25)
    known, generic = stream.getvalue().splitlines()
    if known.startswith("{"):
        left, right = json.loads(known), json.loads(generic)
        assert left.pop("timestamp") <= right.pop("timestamp")
        assert left == right
    else:
        assert known.partition("told")[2] == generic.partition("told")[2]


@given(st.one_of(st.text(max_size=300), st.from_regex(PLAIN), st.sampled_from(PLANTED)))
def test_words_and_ids_are_checked_as_redaction_does(text: str) -> None:
    """A line of a fixed form lets nothing through that any other line would not, under whatever key."""
    kept = redacted({"entity": text, "trace_id": text})
    assert (word(text), ident(text)) == (kept["entity"], kept["trace_id"])


@pytest.mark.parametrize("planted", ["Käthe Müller-Lüdenscheidt", "kaethe mueller", "x" * 201, "Zwiebelfisch\n", "ä"])
def test_a_fixed_form_redacts_what_may_be_a_clients(stream: io.StringIO, planted: str) -> None:
    tell(example_line(1, entity=planted, trace_id=planted))
    assert planted.strip() not in written(stream)


def test_an_exception_shows_type_and_frames_and_no_text_but_our_own(stream: io.StringIO) -> None:
    log = structlog.get_logger("test")
    try:
        try:
            raise ValueError(f"no such {PLANTED[0]}")
        except ValueError as error:
            raise RemoteRejected("espocrm", 400, "validation", field="lastName") from error
    except RemoteRejected:
        log.exception("failed", entity="beteiligte")
    text = written(stream)
    assert "ValueError" in text
    assert "test_logging_privacy.py" in text
    assert "field lastName" in text


def test_a_group_shows_the_types_of_what_it_holds(stream: io.StringIO) -> None:
    group = ExceptionGroup(PLANTED[0], [KeyError(PLANTED[1]), OSError(5, PLANTED[3])])
    structlog.get_logger("test").error("failed", exc_info=group)
    assert all(name in written(stream) for name in ("ExceptionGroup", "KeyError", "OSError"))


@pytest.mark.parametrize("name", ["faust.agents", "aiohttp.server", "aiokafka.consumer", "asyncio", "some.library"])
def test_a_library_keeps_its_words_and_loses_its_values(stream: io.StringIO, name: str) -> None:
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    for planted in PLANTED:
        logger.error(
            "Crashed with %s in %r for %(x)s" if planted == "?" else "Crashed with %s in %r", planted, [planted]
        )
        logger.warning("Payload %(value)s", {"value": planted})
        logger.error(f"Bad value '{planted}' found: {{'lastName': '{planted}'}}")  # noqa: G004
        try:
            raise LookupError(planted)
        except LookupError:
            logger.exception("Oops %s", planted)
    text = written(stream)
    assert "Crashed with" in text
    assert "LookupError" in text


@pytest.mark.usefixtures("own")
def test_addresses_numbers_and_topics_of_a_library_stay(stream: io.StringIO) -> None:
    logging.getLogger("aiokafka").error("Node %s at %s lost %s", 3, "127.0.0.1:9092", "vmh.beteiligte")
    assert "Node 3 at 127.0.0.1:9092 lost vmh.beteiligte" in written(stream)


def test_an_error_without_words_names_its_place(stream: io.StringIO) -> None:
    """Faust's own, seen under load: an empty line is nobody's task."""
    logging.getLogger("aiokafka").error(f"['{PLANTED[0]}']")  # noqa: G004 - as libraries do it
    logging.getLogger("aiokafka").error("")
    text = written(stream)
    assert text.count("without words at test_logging_privacy:") == 2
    assert PLANTED[0] not in text


def test_a_task_that_nobody_awaited_does_not_tell_its_error(stream: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError(PLANTED[0])

    async def forget() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(forget())
    text = written(stream)
    assert "Task exception was never retrieved" in text
    assert "ValueError" in text


def test_a_warning_tells_place_and_kind(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(PLANTED[0], UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "UserWarning" in written(stream)


def test_a_terminal_gets_words_and_a_pipe_gets_json() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    saved = logging.getLogger().handlers[:]
    outputs: list[Any] = [Terminal(), io.StringIO()]
    for out in outputs:
        configure("test-service", stream=out)
        structlog.get_logger("test").info("looked", count=1)
        structlog.reset_defaults()
    logging.getLogger().handlers[:] = saved
    logging.captureWarnings(False)
    assert not outputs[0].getvalue().startswith("{")
    assert json.loads(outputs[1].getvalue())["event"] == "looked"
