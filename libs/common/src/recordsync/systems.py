"""The two systems that a record lives in: left is EspoCRM, right is Advoware. Their codes and names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from synckit.reconcile.plan import Emptied, Side

CODES: Mapping[Side, str] = MappingProxyType({Side.LEFT: "espocrm", Side.RIGHT: "advoware"})
"""As errors (`upstream`), metrics and the brake's rows name them."""
NAMES: Mapping[Side, str] = MappingProxyType({Side.LEFT: "EspoCRM", Side.RIGHT: "Advoware"})
"""As people name them."""


def side_of(upstream: str) -> Side:
    """Whose error it is: the left's, or else the right's, which has several upstreams (its tokens are one)."""
    return Side.LEFT if upstream == CODES[Side.LEFT] else Side.RIGHT


def emptied_words(emptied: Emptied) -> str:
    """Why the brake holds one record's plan, in a user's words."""
    where = NAMES[emptied.side]
    if emptied.essential:
        return f"{', '.join(emptied.essential)} würde geleert ({where})"
    return f"{emptied.blanked} von {emptied.filled} Feldern würden geleert ({where})"
