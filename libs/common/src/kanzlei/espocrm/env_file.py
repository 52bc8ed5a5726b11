"""Our credentials in a file of variables: mode 600, whole or not at all, lines of others kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


class EnvFileUnusable(Exception):
    """Names the file and what is wrong with it; quotes nothing of it."""


def ensure_writable(path: Path) -> None:
    """Before a key is made that could not be kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
        if path.exists():
            path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise EnvFileUnusable(f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}") from None


def set_variables(path: Path, variables: Mapping[str, str]) -> bool:
    """Sets these and keeps all other lines. False where they were there already; the mode is 600 either way."""
    ensure_writable(path)
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in before if line.partition("=")[0].strip() not in variables]
    after = [*kept, *(f"{name}={value}" for name, value in variables.items())]
    if sorted(after) == sorted(before):
        path.chmod(0o600)
        return False
    _replace(path, "\n".join(after) + "\n")
    return True


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
