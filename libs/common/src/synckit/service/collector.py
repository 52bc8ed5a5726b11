"""The garbage collector of a process that stays for days (ADR 19)."""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 50, 50)
"""Net new objects before the youngest are looked at, then how many of these looks before an older generation is."""


def settle() -> None:
    """Sets aside what the start has made, for good, and looks for cycles less often from now on. Blocks for a moment.

    Cycles are found as before, only later: thousands of young objects wait for a look instead of hundreds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
