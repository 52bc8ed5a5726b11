"""How the sandbox's commands end; the product's own is not shared (the sandbox imports nothing of it)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

READER_GONE, INTERRUPTED = 141, 130


def run_command(main: Callable[[], object]) -> NoReturn:
    """Ends with what `main` answers; quietly with 141 where the reader of the output has gone."""
    try:
        ended = main()
    except SystemExit as error:
        ended = error.code
    except KeyboardInterrupt:
        ended = INTERRUPTED
    except BrokenPipeError:
        ended = READER_GONE
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            ended = READER_GONE
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise SystemExit(ended)
