"""What is watched: each synced noun of the catalogue, its type in EspoCRM, and whose row it is in Advoware. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kanzlei.nouns import RECORD_SYNC, Noun, synced_by

_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType({"bankverbindungen": ("bankkverbindungen",)})
"""Under which names a party's record shows rows beside the noun's own: Advoware misspells one."""


@dataclass(frozen=True, slots=True)
class Watched:
    """`parent`: the noun whose records this one waits for, and whose own record shows it in Advoware under `inline`.

    `has_next_try`: the type shows when a failed record is tried again. `imported`: a row that a desk made comes over.
    """

    entity: str
    left_type: str
    parent: str = ""
    inline: tuple[str, ...] = ()
    has_next_try: bool = True
    imported: bool = False


def watched(noun: Noun) -> Watched:
    """Rows of a party come over from a desk, and their types in EspoCRM have no field for the next try."""
    if not noun.parent:
        return Watched(noun.name, noun.espocrm)
    inline = (noun.name, *_SPELLINGS.get(noun.name, ()))
    return Watched(noun.name, noun.espocrm, noun.parent, inline, has_next_try=False, imported=True)


WATCHED = tuple(watched(noun) for noun in synced_by(RECORD_SYNC))
BY_NAME: Mapping[str, Watched] = MappingProxyType({each.entity: each for each in WATCHED})
BETEILIGTE = BY_NAME["beteiligte"]
