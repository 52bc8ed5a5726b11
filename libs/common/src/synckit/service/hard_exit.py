"""The end of a process that does not end by itself. Nothing is cleaned up; what was logged is not lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

TELL_SECONDS = 1.0


def hard_exit(status: int, tell: Callable[[], object]) -> None:
    """Ends the process with `status`. `tell` logs why, as an error, which writes what waits in the log as well.

    It has TELL_SECONDS: whoever reads the log may be what hangs.
    """
    try:
        telling = threading.Thread(target=tell, name="hard-exit", daemon=True)
        telling.start()
        telling.join(TELL_SECONDS)
    finally:
        os._exit(status)
