"""The switches of the sandbox: where the real API may differ, and the nonsense that it is known to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.advoware.lies import LIES
from sandbox.clocks import TIME_LIES

SPELLINGS = ("bankverbindungen", "bankkverbindungen")


@dataclass
class Switches:
    """Where the real API may differ, and the ways in which it is known to answer nonsense."""

    post_row_id: bool = True
    single_as_list: bool = True
    bank_spelling: str = "bankverbindungen"
    komm_kz_zero: bool = True
    geaendert_am_null: bool = False
    geaendert_am_lie: str | None = None
    geaendert_seit_ignored: bool = False
    empty_lists: bool = False
    stale_snapshot: bool = False
    expires_in: int | None = 3600
    lie: str | None = None
    frnr_ignored: bool = False
    termine_geaendert_am_null: bool = False

    @property
    def show_the_past(self) -> bool:
        """True while reads show everything as it was when this began."""
        return self.stale_snapshot or self.lie == "old_snapshot"

    def change(self, given: Mapping[str, Any]) -> None:
        """Set what is given; raises ValueError for a name or a value that there isn't, and then sets nothing."""
        for name, value in given.items():
            if name not in vars(self):
                raise ValueError(f"no switch named {name}")
            if not _is_valid(name, value):
                raise ValueError(f"{name} can't be {value!r}")
        vars(self).update(given)


def _is_valid(name: str, value: Any) -> bool:
    if name == "bank_spelling":
        return value in SPELLINGS
    if name == "expires_in":
        return value is None or (isinstance(value, int) and not isinstance(value, bool))
    if name == "geaendert_am_lie":
        return value is None or value in TIME_LIES
    if name == "lie":
        return value is None or value in LIES
    return isinstance(value, bool)
