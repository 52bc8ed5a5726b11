"""structlog, configured once. JSON unless on a terminal; the loggers of all libraries pass the same processors.

Client data must never be in a log, so nothing is trusted: a key that is not known is redacted, text is bounded, an
exception is its type and its frames (no message of a foreign exception, no line of source, no local), and a library's
message keeps its words but loses the values put into them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from synckit.runtime.redaction import describe_exception, foreign_text, foreign_warning, redacted

QUIET = {
    "aiokafka": logging.WARNING,
    "aiohttp.access": logging.CRITICAL,
    "asyncio": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "synckit.runtime.faust_adapter": logging.WARNING,  # mode names loggers by the subclass's module
}
"""Least level of a library's logger that is shown."""


def configure(service: str, *, level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Once a process, before anything logs. `style` is `auto`, `json` or `console`."""
    out = stream or sys.stdout
    least = logging.getLevelNamesMapping()[level.upper()]
    console = style == "console" or (style == "auto" and out.isatty())
    chain = _chain(service)
    last = _last(console)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, *chain, last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    _configure_foreign(out, least, chain, last)


def _chain(service: str) -> list[Processor]:
    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [structlog.processors.TimeStamper(fmt="iso", utc=True), stamp, _safe]


def _last(console: bool) -> Processor:
    if console:
        return structlog.dev.ConsoleRenderer(pad_event_to=30, sort_keys=False)
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event).decode()


def _safe(_: WrappedLogger, __: str, event: EventDict) -> Mapping[str, Any]:
    """Nothing unknown, and `exc_info` as types and frames."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    kept = redacted(event)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        kept["exception"] = describe_exception(error)
    return kept


def _configure_foreign(out: TextIO, least: int, chain: list[Processor], last: Processor) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Foreign([structlog.contextvars.merge_contextvars, *chain, last]))
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
        event: Any = {"event": words(record.msg, record.args), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for processor in self._processors:
            event = processor(None, record.levelname.lower(), event)
        return str(event)
