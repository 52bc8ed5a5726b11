"""Rows that a party's record shows inside of it, told by their row ids: has a look seen them as they are? Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

SEEN = "kommunikation"
"""Attribute of a party in Advoware, and in the base of a party the name under which stands what the last look saw."""
NONE_SHOWN = ""


def as_seen(party: Mapping[str, Any]) -> str | None:
    """A fingerprint of the rows, in whatever order; None where the party does not show them, or not as a list."""
    rows = party.get(SEEN)
    if not isinstance(rows, list):
        return None
    ids = sorted(f"{row.get('id')}={row.get('rowId')}" for row in rows if isinstance(row, Mapping))
    return hashlib.blake2b("\n".join(ids).encode(), digest_size=8).hexdigest() if ids else NONE_SHOWN
