"""The secrets file, as the command writes it: mode 600, whole or not at all, entries of others kept."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kanzlei.espocrm.webhook_secrets import parse_secrets


class SecretsFileUnusable(Exception):
    """Names the file and what is wrong with it; quotes nothing of it."""


def ensure_usable(path: Path) -> None:
    """Before a webhook is made: a key that can't be kept is a webhook that nobody believes."""
    with _named(path):
        parse_secrets(_content(path))
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass


def add_secrets(path: Path, secrets: Mapping[str, str]) -> bool:
    """Adds or replaces these ids. An id that has another key keeps that, behind the new one: EspoCRM may be rotating.

    False where nothing had to be written. SecretsFileUnusable where it can't be, or the file holds something else.
    """
    with _named(path):
        return _add(path, secrets)


def _add(path: Path, secrets: Mapping[str, str]) -> bool:
    before = _content(path)
    kept = {webhook_id: [key.decode() for key in keys] for webhook_id, keys in parse_secrets(before).items()}
    after = dict(kept)
    for webhook_id, key in secrets.items():
        after[webhook_id] = [key, *(old for old in kept.get(webhook_id, []) if old != key)][:2]
    if after == kept and path.exists():
        path.chmod(0o600)
        return False
    _replace(path, json.dumps({one: keys[0] if len(keys) == 1 else keys for one, keys in after.items()}, indent=2))
    return True


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b"{}"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SecretsFileUnusable(f"{path}: {error.strerror or type(error).__name__}") from None
    except ValueError as error:
        raise SecretsFileUnusable(f"{path}: {error}") from None


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
