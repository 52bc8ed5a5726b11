"""structlog, configured once. JSON unless on a terminal; the loggers of all libraries pass the same processors.

Client data must never be in a log, so nothing is trusted: a key that is not known is redacted, text is bounded, an
exception is its type and its frames (no message of a foreign exception, no line of source, no local), and a library's
message keeps its words but loses the values put into them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from synckit.log.known_lines import KnownLine
from synckit.log.output import LogOutput
from synckit.log.redaction import describe_exception, foreign_text, foreign_warning, redacted
from synckit.log.throttle import ThrottledHandler

QUIET = {
    "aiokafka": logging.WARNING,
    "aiohttp.access": logging.CRITICAL,
    "asyncio": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "synckit.faust": logging.WARNING,  # mode names loggers by the subclass's module
}
"""Least level of a library's logger that is shown."""


@dataclass(slots=True)
class _Configured:
    """What `configure` has made. `chain` is structlog's own list: a test that captures lines puts its own in there."""

    output: LogOutput
    foreign: ThrottledHandler
    stamps: _Stamps
    chain: list[Processor]
    takes_known: bool


@dataclass(slots=True)
class _Process:
    """One a process."""

    log: _Configured | None = None


_process = _Process()


def configure(
    service: str,
    *,
    level: str = "info",
    style: str = "auto",
    stream: TextIO | None = None,
    now: Callable[[], float] = time.monotonic,
    on_lost: Callable[[int], None] = lambda _count: None,
) -> None:
    """Once a process, before anything logs. `style` is `auto`, `json` or `console`; `now` counts a library's lines.

    `on_lost` is told how many lines the stream did not take.
    """
    stream = stream or sys.stdout
    least = logging.getLevelNamesMapping()[level.upper()]
    console = style == "console" or (style == "auto" and stream.isatty())
    output, stamps = LogOutput(stream, on_lost=on_lost), _Stamps(service)
    foreign = ThrottledHandler(output, now)
    chain: list[Processor] = [stamps, _safe, _console() if console else _json]

    def counted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        foreign.tell_due()
        return event

    own = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, counted, *chain]
    structlog.configure(
        processors=own,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
    foreign.setFormatter(_Foreign([structlog.contextvars.merge_contextvars, *chain]))
    _configure_foreign(foreign, least)
    _process.log = _Configured(output, foreign, stamps, own, takes_known=not console and least <= logging.INFO)


def in_batches() -> None:
    """Lines wait for a moment and are written together, until `at_once`: for a service that runs."""
    if _process.log is not None:
        _process.log.output.in_batches()


def at_once() -> None:
    """Writes what waits, and each line at once from now on."""
    if _process.log is not None:
        _process.log.output.at_once()


def tell(line: KnownLine) -> None:
    """Prints a line of a fixed form, at level info. The line must not be used again."""
    log = _process.log
    if log is None or not log.takes_known or log.chain[-1] is not _json:
        structlog.get_logger().info(line.told, **line.fields())  # no JSON, or a test that captures lines
        return
    log.foreign.tell_due()
    line.event, line.timestamp, line.service = line.told, log.stamps.now(), log.stamps.service
    log.output.put(_encoder.encode(line))


class _Stamps:
    """When, and whose. The second in front of the fraction is written once a second, not once a line."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._known = (-1, "")  # one value: several threads log

    def now(self) -> str:
        """RFC 3339, to the microsecond."""
        second, nanos = divmod(time.time_ns(), 1_000_000_000)
        known, written = self._known
        if second != known:
            written = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
            self._known = (second, written)
        return f"{written}.{nanos // 1000:06d}Z"

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["timestamp"] = self.now()
        event["service"] = self.service
        return event


def _console() -> Processor:
    rendered = structlog.dev.ConsoleRenderer(pad_event_to=30, sort_keys=False)
    return lambda logger, name, event: str(rendered(logger, name, event)).encode(errors="backslashreplace")


def _json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return _encoder.encode(event)


_encoder = msgspec.json.Encoder()


def _safe(_: WrappedLogger, __: str, event: EventDict) -> Mapping[str, Any]:
    """Nothing unknown, and `exc_info` as types and frames."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    kept = redacted(event)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        kept["exception"] = describe_exception(error)
    return kept


def _configure_foreign(handler: logging.Handler, least: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(least, quiet))
    logging.captureWarnings(True)


class _Foreign(logging.Formatter):
    """A library's record: its words without its values, then the same processors as ours."""

    def __init__(self, processors: list[Processor]) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        words = foreign_warning if record.name == "py.warnings" else foreign_text
        # Where nothing of the words is left, the place that said them is better than an empty line.
        told = words(record.msg, record.args) or f"without words at {record.module}:{record.lineno}"
        event: Any = {"event": told, "level": record.levelname.lower(), "logger": record.name}
        if suppressed := getattr(record, "suppressed", 0):
            event["suppressed"] = suppressed
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for processor in self._processors:
            event = processor(None, record.levelname.lower(), event)
        return bytes(event).decode()
