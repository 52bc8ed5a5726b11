"""W3C trace context: carried to the letter, made where none came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import get_contextvars

from synckit.service import tracing

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_good_one_is_read_and_written_the_same() -> None:
    assert str(tracing.parse(GOOD)) == GOOD


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "-x",
        GOOD + "\n",
        "ff" + GOOD[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    ],
)
def test_a_wrong_one_is_none_and_a_new_trace_begins(wrong: str | None) -> None:
    assert tracing.parse(wrong) is None
    assert tracing.parse(str(tracing.carried(wrong))) is not None


def test_a_later_version_may_carry_more() -> None:
    assert str(tracing.parse("01" + GOOD[2:] + "-what-the-future-has")) == GOOD


@given(st.text(max_size=80))
def test_any_text_leads_to_a_trace_of_the_right_form(text: str) -> None:
    assert tracing.parse(str(tracing.carried(text))) is not None


def test_a_carried_trace_keeps_its_id_and_gets_a_span_of_its_own() -> None:
    carried = tracing.carried(GOOD)
    assert carried.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert carried.span_id != "00f067aa0ba902b7"


def test_log_lines_inside_are_bound_and_none_outside() -> None:
    with tracing.bound(GOOD) as trace:
        assert get_contextvars()["trace_id"] == trace.trace_id
    assert "trace_id" not in get_contextvars()
