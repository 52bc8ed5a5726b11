"""The commit that this checkout stands at, as the services of the local stack show it."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=1)
def revision() -> str:
    """Short; "unknown" where it is no checkout of git."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    # No words but ours.
    done = subprocess.run(  # noqa: S603
        [git, "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout.strip() or "unknown"
