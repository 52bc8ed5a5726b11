"""The circuit: what opens it, that one probe at a time goes through, and what closes it again."""

from __future__ import annotations

import pytest

from synckit.errors import CircuitOpen
from synckit.http.circuit import Circuit, CircuitLimits
from synckit.testing.clock import FakeClock


class Bench:
    """A circuit that opens after three failures on two paths, and what its hook heard."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.heard: list[tuple[str, bool]] = []
        limits = CircuitLimits(failures=3, paths=2, pause=2.0, longest=5.0)
        self.circuit = Circuit("advoware", self.clock.monotonic, lambda *told: self.heard.append(told), limits)

    def fail(self, *paths: str) -> None:
        for path in paths:
            self.circuit.failed(path)

    def probe(self, *, ok: bool) -> None:
        assert self.circuit.enter()
        if ok:
            self.circuit.answered()
        else:
            self.circuit.failed("/probe")
        self.circuit.leave(probe=True)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_failures_in_a_row_open_it_and_nothing_is_sent(bench: Bench) -> None:
    bench.fail("/1", "/2", "/1")
    assert bench.circuit.is_open
    assert not bench.circuit.may_try()
    assert bench.heard == [("advoware", True)]
    with pytest.raises(CircuitOpen) as refused:
        bench.circuit.enter()
    assert refused.value.retry_after == 2.0


def test_one_sick_record_is_no_outage(bench: Bench) -> None:
    bench.fail(*["/Beteiligte/10001"] * 50)
    assert not bench.circuit.is_open


def test_an_answer_in_between_begins_the_count_anew(bench: Bench) -> None:
    bench.fail("/1", "/2")
    bench.circuit.answered()
    bench.fail("/1", "/2")
    assert not bench.circuit.is_open


def test_after_the_pause_one_probe_goes_through_and_the_others_wait(bench: Bench) -> None:
    bench.fail("/1", "/2", "/1")
    bench.clock.advance(2.0)
    assert bench.circuit.may_try()
    assert bench.circuit.enter()
    assert not bench.circuit.may_try()
    with pytest.raises(CircuitOpen):
        bench.circuit.enter()


def test_a_good_probe_closes_it_and_a_bad_one_doubles_the_pause_up_to_the_longest(bench: Bench) -> None:
    bench.fail("/1", "/2", "/1")
    for pause in (2.0, 4.0, 5.0, 5.0):
        bench.clock.advance(pause - 0.1)
        assert not bench.circuit.may_try()
        bench.clock.advance(0.1)
        bench.probe(ok=False)
    bench.clock.advance(5.0)
    bench.probe(ok=True)
    assert not bench.circuit.is_open
    assert bench.heard == [("advoware", True), ("advoware", False)]
    assert not bench.circuit.enter()


def test_a_probe_that_was_broken_off_leaves_room_for_the_next(bench: Bench) -> None:
    bench.fail("/1", "/2", "/1")
    bench.clock.advance(2.0)
    bench.circuit.leave(probe=bench.circuit.enter())
    assert bench.circuit.may_try()


def test_a_remote_that_asks_for_a_pause_gets_it_at_once(bench: Bench) -> None:
    bench.circuit.asked_to_wait(4.0)
    assert not bench.circuit.may_try()
    bench.clock.advance(4.0)
    assert bench.circuit.may_try()
    bench.circuit.asked_to_wait(3600.0)
    bench.clock.advance(5.0)
    assert bench.circuit.may_try()
