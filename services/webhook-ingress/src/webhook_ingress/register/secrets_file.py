"""The secrets file, as the command writes it: mode 600, whole or not at all, entries of others kept."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from webhook_ingress.domain.secrets import parse_secrets


def add_secrets(path: Path, secrets: Mapping[str, str]) -> bool:
    """Adds or replaces these ids. An id that has another key keeps that, behind the new one: EspoCRM may be rotating.

    False where nothing had to be written. ValueError where the file holds something else.
    """
    before = path.read_bytes() if path.exists() else b"{}"
    kept = {webhook_id: [key.decode() for key in keys] for webhook_id, keys in parse_secrets(before).items()}
    after = dict(kept)
    for webhook_id, key in secrets.items():
        after[webhook_id] = [key, *(old for old in kept.get(webhook_id, []) if old != key)][:2]
    if after == kept and path.exists():
        path.chmod(0o600)
        return False
    _replace(path, json.dumps({one: keys[0] if len(keys) == 1 else keys for one, keys in after.items()}, indent=2))
    return True


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
