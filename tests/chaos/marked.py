"""Faults that are known: the oracle counts those of `MARKED` apart and names them.

Once the engine mends one, it leaves `MARKED`: then it is wrong, as anything else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tests.chaos.fields import Side
from tests.chaos.history import History, Record
from tests.chaos.looks import Looks
from tests.chaos.oracle import Finding
from tests.chaos.troubles import Troubles

KNOWN = {
    "A2": "a write that was overtaken by a newer one lands later, and is taken for a person's edit",
    "B8": "a change that is dated far before what is known is held for a day, and a PUT meanwhile writes over it",
}
MARKED: tuple[str, ...] = ()
"""None is known at present."""
OF_OVERTAKEN = frozenset({"value", "silently overwritten", "overlap"})
OF_OLDER = frozenset({"value", "stuck", "left over", "silently overwritten"})
AFTER_A_LIE = 5.0
"""Seconds: a look that began while it was told may still go on."""
LEAST_STEP = 1.0


class Marks:
    """Which number of `active` explains a finding."""

    def __init__(self, history: History, looks: Looks, troubles: Troubles, active: Collection[str] = MARKED) -> None:
        self._history = history
        self._looks = looks
        self._troubles = troubles
        self._active = active

    def marked(self, finding: Finding) -> Finding:
        """The finding with its number, or as it is."""
        return replace(finding, mark=self._number(finding))

    def of_late(self, key: str) -> str:
        """The number that explains why this record came so late, "" for none."""
        record = self._history.records.get(key)
        return "B8" if record and "B8" in self._active and self._is_older(record) else ""

    def _number(self, finding: Finding) -> str:
        record = self._history.records.get(finding.key)
        if record is None:
            return ""
        if "A2" in self._active and finding.what in OF_OVERTAKEN and self._looks.overtaken(record):
            return "A2"
        if "B8" in self._active and finding.what in OF_OLDER and self._is_older(record):
            return "B8"
        return ""

    def _is_older(self, record: Record) -> bool:
        """Its side's clock said an earlier time for a later write, or wrong times were told while it was at work."""
        for side in Side:
            newest = float("-inf")
            for row in (row for row in record.rows if row.side is side):
                told = row.at + self._troubles.offset(side, row.at)
                if told < newest - LEAST_STEP:
                    return True
                newest = max(newest, told)
        return any(lie.began <= row.at <= lie.over + AFTER_A_LIE for lie in self._troubles.lies for row in record.rows)
