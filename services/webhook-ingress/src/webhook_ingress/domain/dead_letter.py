"""What is left of a signed body that is not what EspoCRM sends: why, whose, how large, its hash. Never the body."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from synckit.events import CONTENT_TYPE, Action, Record


def dead_letter(
    entity: str, action: Action, webhook_id: str, body: bytes, bad: Mapping[str, int], received_at: datetime
) -> Record:
    """One for a whole body, however many of its items are bad. The key is the webhook's id."""
    reason = next(iter(bad))
    letter = {
        "reason": reason,
        "bad": dict(bad),
        "webhook_id": webhook_id,
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "entity": entity,
        "action": action.value,
        "received_at": received_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    value = json.dumps(letter, separators=(",", ":")).encode()
    headers = (("reason", reason.encode()), ("content-type", CONTENT_TYPE))
    return Record(webhook_id.encode(), value, headers)
