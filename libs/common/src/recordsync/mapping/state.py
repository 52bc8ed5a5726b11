"""Which state fields and states a type of EspoCRM has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATUS = "syncStatus"


@dataclass(frozen=True, slots=True)
class LeftState:
    """`lacks`: state attributes that the type has not. `shown_as`: state → the one shown for it, "" for none.

    `has_manual_action`: it can say that a person has something to do at a desk.
    """

    lacks: frozenset[str] = frozenset()
    shown_as: Mapping[str, str] = field(default_factory=dict)
    has_manual_action: bool = False

    def fitted(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """A patch of state fields as the type can hold it. Nothing at all for a state that is not shown."""
        shown = self.shown_as.get(patch.get(STATUS, ""), patch.get(STATUS))
        if shown == "":
            return {}
        kept = {name: value for name, value in patch.items() if name not in self.lacks}
        return {**kept, STATUS: shown} if STATUS in patch else kept


EVERY_STATE = LeftState()

CHILD_STATE = LeftState(
    lacks=frozenset({"syncRetryCount", "syncNextRetry", "advowareDeletedAt"}),
    shown_as={"syncing": "", "conflict": "failed", "permanently_failed": "failed"},
    has_manual_action=True,
)
"""Of the types that belong to a party."""
