"""Pages of lists: limit, order, filter, and a token that is there on the last page, too."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.xai.errors import invalid
from sandbox.xai.filters import parsed
from sandbox.xai.switches import Switches

Row = TypeVar("Row")
MOST = 100
DESCENDING = frozenset({"desc", "ORDERING_DESCENDING"})
ASCENDING = frozenset({"asc", "ORDERING_ASCENDING"})


@dataclass(frozen=True)
class Listing:
    """How one list is shown: its key in the answer, what it can be sorted by, what a filter sees, the default."""

    key: str
    sort_keys: Mapping[str, Callable[[Any], Any]]
    values: Callable[[Any], Mapping[str, Any]]
    row: Callable[[Any], dict[str, Any]]
    by: str
    descending: bool = False

    def page(self, found: Sequence[Any], query: Mapping[str, str], switches: Switches) -> dict[str, Any]:
        """One page of `found`."""
        limit, start = _limit(query), _start(query)
        by, order = query.get("sort_by") or self.by, query.get("order")
        if by not in self.sort_keys:
            raise invalid(f"Unknown sort_by {by}")
        if order and order not in DESCENDING | ASCENDING:
            raise invalid(f"Unknown order {order}")
        keep = parsed(query.get("filter") or "")
        kept = [each for each in lied_to(found, switches.lie) if keep(self.values(each))]
        kept.sort(key=self.sort_keys[by], reverse=order in DESCENDING if order else self.descending)
        shown = kept[start : start + limit]
        answer: dict[str, Any] = {self.key: [self.row(each) for each in shown]}
        if len(kept) > start + limit or switches.token_at_end:
            answer["pagination_token"] = base64.urlsafe_b64encode(f"at:{start + len(shown)}".encode()).decode()
        return answer


def lied_to(found: Sequence[Row], lie: str | None) -> list[Row]:
    """What a list shows on a bad day."""
    return [] if lie == "empty_list" else list(found)[::2] if lie == "half_list" else list(found)


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit") or str(MOST)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise invalid(f"limit is a number between 1 and {MOST}")
    return int(text)


def _start(query: Mapping[str, str]) -> int:
    token = query.get("pagination_token")
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        word, number = "", ""
    if word != "at" or not number.isdigit():
        raise invalid("Invalid pagination_token")
    return int(number)
