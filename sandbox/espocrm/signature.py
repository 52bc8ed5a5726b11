"""The two signature headers of a webhook request."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signatures(webhook_id: str, secret_key: str, body: bytes) -> dict[str, str]:
    """`Signature` (hex digest, since 9.0) and `X-Signature` (raw digest), both over the raw body."""
    digest = hmac.new(secret_key.encode(), body, hashlib.sha256)
    prefix = webhook_id.encode() + b":"
    return {
        "Signature": base64.b64encode(prefix + digest.hexdigest().encode()).decode(),
        "X-Signature": base64.b64encode(prefix + digest.digest()).decode(),
    }
