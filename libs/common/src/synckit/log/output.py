"""Where log lines go: one stream, in the order in which they were told, each at once or in batches.

In batches a line is on its way within FLUSH_SECONDS, and a warning or worse at once, with all before it. A stream that
takes nothing any more never changes what the service does: its lines are counted and gone.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

FLUSH_SECONDS = 0.05
"""Half of what is promised: a thread may have to wait for its turn."""
MOST_LINES = 1000
"""Where so many wait, whoever tells the next one writes them."""
Soon = Callable[[Callable[[], None]], None]


class LogOutput:
    """Any thread may use it. Its methods named by levels are what structlog calls with a rendered line."""

    def __init__(self, stream: TextIO, *, on_lost: Callable[[int], None] = lambda _count: None) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)
        self._on_lost = on_lost
        self._lines: deque[bytes] = deque()
        # A finalizer may log while its own thread is writing: it must not wait for itself.
        self._writing = threading.RLock()
        self._soon: Soon | None = None
        self._is_due = False

    def in_batches(self, soon: Soon | None = None) -> None:
        """From now on. `soon` calls back within FLUSH_SECONDS; by default a thread of its own does."""
        self._soon = soon or _Thread(FLUSH_SECONDS)

    def at_once(self) -> None:
        """Writes what waits, and each line at once from now on."""
        self._soon = None
        self.flush()

    def put(self, line: bytes) -> None:
        """One line, without its end."""
        self._lines.append(line)
        if self._soon is None or len(self._lines) >= MOST_LINES:
            self.flush()
        elif not self._is_due:
            self._is_due = True
            self._soon(self.flush)

    def put_now(self, line: bytes) -> None:
        """One line that must be seen whatever happens next, and all that were told before."""
        self._lines.append(line)
        self.flush()

    debug = info = put
    warning = error = critical = put_now

    def write(self, text: str) -> None:
        """For a `logging.StreamHandler`: it writes a whole record with its end, then flushes."""
        self._lines.append(text.removesuffix("\n").encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Returns when all that was told before is with the operating system, or counted as lost."""
        # First: a line that comes after the last one was taken must find that nothing is due, and ask again.
        self._is_due = False
        with self._writing:
            taken = self._taken()
            if not taken:
                return
            try:
                self._write(b"\n".join([*taken, b""]))
            except (OSError, ValueError):
                self._on_lost(len(taken))

    def _taken(self) -> list[bytes]:
        """One by one: others append meanwhile, and a finalizer in this very thread may take some."""
        taken: list[bytes] = []
        with suppress(IndexError):
            while True:
                taken.append(self._lines.popleft())
        return taken

    def _write(self, lines: bytes) -> None:
        if self._descriptor is None:
            self._stream.write(lines.decode())
            self._stream.flush()
            return
        rest = memoryview(lines)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # a pipe that somebody else has made non-blocking
                select.select((), (self._descriptor,), (), 1.0)


class _Thread:
    """Calls back a moment after it was asked, also while the event loop is busy or stands still."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked = threading.Event()
        self._call: Callable[[], None] = lambda: None
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def __call__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            time.sleep(self._seconds)
            self._call()


def _descriptor_of(stream: TextIO) -> int | None:
    """None for a stream in memory. Written to directly: with its own buffers a line could be cut in two."""
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
