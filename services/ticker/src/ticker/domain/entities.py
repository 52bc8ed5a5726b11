"""What is watched: each synced noun, its type in EspoCRM, and whose row it is in Advoware. Pure."""

from __future__ import annotations

from dataclasses import dataclass


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


BETEILIGTE = Watched("beteiligte", "CBeteiligte")
ADRESSEN = Watched("adressen", "CAdressen", "beteiligte", ("adressen",), has_next_try=False, imported=True)
BANKVERBINDUNGEN = Watched(
    "bankverbindungen",
    "CBankverbindungen",
    "beteiligte",
    ("bankverbindungen", "bankkverbindungen"),
    has_next_try=False,
    imported=True,
)
WATCHED = (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN)
