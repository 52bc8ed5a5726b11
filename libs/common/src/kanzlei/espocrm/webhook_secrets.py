"""Which key belongs to which webhook, as it is written in the variable and in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from synckit.events import ENTITY_ID

Secrets = Mapping[str, tuple[bytes, ...]]
"""Webhook id → its keys; several while one is being rotated."""
_KEY = re.compile(r"[\x21-\x7e]{16,256}\Z")


def parse_secrets(text: bytes) -> Secrets:
    """ValueError says what is wrong with the form, and quotes nothing of it."""
    try:
        found = msgspec.json.decode(text, type=dict[str, str | list[str]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("must be a JSON object of webhook id → key or list of keys") from None
    return {webhook_id: _keys(webhook_id, given) for webhook_id, given in found.items()}


def _keys(webhook_id: str, given: str | list[str]) -> tuple[bytes, ...]:
    keys = [given] if isinstance(given, str) else given
    if not ENTITY_ID.match(webhook_id):
        raise ValueError("a webhook id is 1 to 36 letters, digits, dashes")
    if not keys or not all(_KEY.match(key) for key in keys):
        raise ValueError("each webhook id needs at least one key, of 16 or more printable characters")
    return tuple(key.encode() for key in keys)
