"""EspoCRM's signature over the raw body: HMAC-SHA256 with the webhook's own key.

`Signature` is base64(id ":" hex digest), since 9.0; `X-Signature` is base64(id ":" raw digest), until 11.0. At least
one is there; each that is there must be right, so that no byte of the request can be changed. Pure.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence

from synckit.events import ENTITY_ID

_LONGEST = 256


def claimed_id(signature: str | None, x_signature: str | None) -> str | None:
    """The webhook's id as the headers say it, not yet believed; None where they say none or two."""
    ids = {_id(value) for value in (signature, x_signature) if value is not None}
    return ids.pop() if len(ids) == 1 else None


def is_signed(
    keys: Sequence[bytes], webhook_id: str, body: bytes, signature: str | None, x_signature: str | None
) -> bool:
    """True where one key explains every header that is there. Compared in constant time, whole and as written."""
    if signature is None and x_signature is None:
        return False
    prefix = webhook_id.encode() + b":"
    good = False
    for key in keys:
        digest = hmac.digest(key, body, "sha256")
        good |= _is(signature, prefix + digest.hex().encode()) and _is(x_signature, prefix + digest)
    return good


def _is(header: str | None, expected: bytes) -> bool:
    if header is None:
        return True
    return hmac.compare_digest(header.encode("utf-8", "surrogateescape"), b64encode(expected))


def _id(header: str) -> str | None:
    """The raw digest may hold any byte: cut at the first colon in bytes."""
    if len(header) > _LONGEST:
        return None
    try:
        found = b64decode(header, validate=True).partition(b":")[0].decode("ascii")
    except (Error, ValueError):
        return None
    return found if ENTITY_ID.match(found) else None
