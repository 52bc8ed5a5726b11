"""No line is lost, none overtakes another, and a stream that takes nothing changes nothing."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.log.output import MOST_LINES, LogOutput

STEPS = st.sampled_from(["info", "warning", "library", "moment", "in_batches", "at_once"])


class Moment:
    """A timer that passes by hand."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.due.append(call)

    def passes(self) -> None:
        due, self.due = self.due, []
        for call in due:
            call()


class Full(io.StringIO):
    """A disk that is full until it is not."""

    is_full = True

    def write(self, text: str, /) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


@given(st.lists(STEPS, max_size=80))
def test_lines_keep_their_order_and_none_is_lost(script: list[str]) -> None:
    """A warning and a library's record are out at once with all before; an info line after one moment."""
    out, moment = io.StringIO(), Moment()
    output = LogOutput(out)
    told: list[str] = []
    for number, step in enumerate(script):
        if step == "in_batches":
            output.in_batches(moment)
        elif step == "at_once":
            output.at_once()
        elif step == "moment":
            moment.passes()
        elif step == "library":
            told.append(f"{number} library")
            output.write(f"{told[-1]}\n")
            output.flush()
        else:
            told.append(f"{number} {step}")
            getattr(output, step)(told[-1].encode())
        written = out.getvalue().splitlines()
        assert written == told[: len(written)]
        if step in ("warning", "library", "moment", "at_once"):
            assert written == told
        assert written == told or moment.due, "what waits is due"
    output.at_once()
    assert out.getvalue().splitlines() == told


def test_a_batch_is_one_write() -> None:
    reading, writing = os.pipe()
    moment = Moment()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb", buffering=0) as reader:
        output = LogOutput(stream)
        output.in_batches(moment)
        for number in range(100):
            output.info(b"line %d" % number)
        moment.passes()
        assert reader.read(1 << 16).count(b"\n") == 100


def test_what_waits_is_bounded() -> None:
    out = io.StringIO()
    output = LogOutput(out)
    output.in_batches(Moment())
    for _ in range(MOST_LINES - 1):
        output.info(b"line")
    assert out.getvalue() == ""
    output.info(b"line")
    assert out.getvalue().count("\n") == MOST_LINES


@pytest.mark.parametrize("batches", [True, False])
def test_a_reader_that_went_is_no_error(batches: bool) -> None:
    """Neither is raised where something is being done; what is lost is counted."""
    reading, writing = os.pipe()
    os.close(reading)
    lost: list[int] = []
    with os.fdopen(writing, "w") as stream:
        output, moment = LogOutput(stream, on_lost=lost.append), Moment()
        if batches:
            output.in_batches(moment)
        output.info(b"one")
        output.info(b"two")
        output.error(b"three")
        output.write("a library's\n")
        output.flush()
    assert sum(lost) == 4


def test_a_closed_stream_is_no_error() -> None:
    stream, lost = io.StringIO(), list[int]()
    output = LogOutput(stream, on_lost=lost.append)
    stream.close()
    output.info(b"one")
    assert lost == [1]


def test_after_a_full_disk_lines_are_written_again() -> None:
    out, lost = Full(), list[int]()
    output = LogOutput(out, on_lost=lost.append)
    output.info(b"one")
    out.is_full = False
    output.info(b"two")
    assert (out.getvalue(), lost) == ("two\n", [1])


def test_a_finalizer_may_log_while_lines_are_written() -> None:
    """The collector may run anywhere, also inside of a write: its thread must not wait for itself."""

    class Collecting(io.StringIO):
        began = False

        def write(self, text: str, /) -> int:
            if not self.began:
                self.began = True
                output.error(b"from a finalizer")
            return super().write(text)

    out = Collecting()
    output = LogOutput(out)
    output.info(b"one")
    assert sorted(out.getvalue().splitlines()) == ["from a finalizer", "one"]


def test_a_pipe_that_does_not_block_gets_all() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    read: list[bytes] = []

    def drain() -> None:
        while piece := os.read(reading, 1 << 16):
            read.append(piece)

    drainer = threading.Thread(target=drain)
    with os.fdopen(writing, "w") as stream:
        output = LogOutput(stream)
        output.in_batches(Moment())
        for _ in range(500):
            output.info(b"x" * 999)
        drainer.start()
        output.flush()
    drainer.join()
    os.close(reading)
    assert len(b"".join(read)) == 500_000


def test_many_threads_lose_nothing() -> None:
    out = io.StringIO()
    output = LogOutput(out)
    output.in_batches()

    def tell(name: int) -> None:
        for number in range(2000):
            output.info(b"%d %d" % (name, number))

    threads = [threading.Thread(target=tell, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output.at_once()
    lines = [tuple(map(int, line.split())) for line in out.getvalue().splitlines()]
    assert len(lines) == 8000
    for name in range(4):
        assert [number for one, number in lines if one == name] == list(range(2000))
