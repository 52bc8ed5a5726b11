"""How every command of ours ends: its own exit status, or one that says what cut it short.

Nothing heavy is imported: a command that can't even start has to end as told.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn

from synckit.errors import SyncError

BUG = 70
"""Never 1, which Python gives to a crash and which our commands mean something by."""
INTERRUPTED = 130
READER_GONE = 141
"""As a shell says of `yes | head -1`: 128 and SIGPIPE."""
Main = Callable[[], object]


def run_command(main: Main) -> NoReturn:
    """Ends the process with what `main` answers (a status, or None for 0).

    70 for an error that nobody caught, told by types and frames alone: a text may hold an address with its password,
    or a client. 130 for an interrupt, 141 where the reader of the output has gone, both without a word.
    """
    _open_missing_streams()
    status = _status(main)
    if not _flushed():
        status = READER_GONE
    raise SystemExit(status)


def _status(main: Main) -> int:
    try:
        ended = main()
    except SystemExit as error:
        ended = error.code
        if isinstance(ended, str):
            sys.stderr.write(f"{ended}\n")
            return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError as error:
        return READER_GONE if _reader_is_gone() else _bug(error)
    except Exception as error:
        return _bug(error)
    return ended if isinstance(ended, int) else 0


def _bug(error: BaseException) -> int:
    with suppress(OSError):
        sys.stderr.write("\n".join([*_described(error), f"a bug of ours: exit status {BUG}\n"]))
    return BUG


def _described(error: BaseException) -> Iterator[str]:
    """Frames and types, the cause first; a text only where it is of our own taxonomy, which holds no values."""
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _described(cause)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    yield f"{type(error).__name__}{f': {error}' if isinstance(error, SyncError) else ''}"


def _reader_is_gone() -> bool:
    """Whether it was our output, and not a connection of the command's, that broke."""
    watched = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            watched.register(stream.fileno(), select.POLLOUT)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in watched.poll(0))


def _flushed() -> bool:
    """Says it to the end. Where nobody reads, the streams are turned away, so that Python's own end says nothing."""
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            flushed = False
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return flushed


def _open_missing_streams() -> None:
    """A stream that the caller closed (`>&-`) is None."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- for the process's life
