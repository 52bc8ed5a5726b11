"""The office with communication: lists in EspoCRM, rows inside of the party, and the engine with its companion."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from office import ANNA, Office

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from beteiligte_sync.entities.kommunikation.lists import KommunikationLists
from recordsync import Companion, Engine, Remotes
from recordsync.testing.remotes import FakeRight
from synckit.errors import RemoteUnavailable
from synckit.ports import Payload, Snapshot
from synckit.testing.faults import Faults


class FakeRows:
    """Rows of parties; `kommKz` of one that the API made is shown as 0, and a PUT ignores it.

    `is_slow`: a POST has no answer, and lands with `arrive`.
    """

    def __init__(self, right: FakeRight, faults: Faults) -> None:
        self.right = right
        self.faults = faults
        self.calls: list[str] = []
        self.under_way: list[tuple[str, Payload]] = []
        self.is_slow = False
        self._ids = itertools.count(501)

    async def write(self, record_id: str, row: str | None, body: Payload) -> Payload:
        method = "update" if row else "create"
        self.calls.append(method)
        self.faults.at(f"rows.{method}.before")
        if row is None and self.is_slow:
            self.under_way.append((record_id, body))
            raise RemoteUnavailable("advoware", "no answer", maybe_applied=True)
        rows = self.right.records[record_id]["kommunikation"]
        if row is None:
            stored = self._made(record_id, body)
        else:
            stored = next(each for each in rows if isinstance(each, dict) and str(each.get("id")) == row)
            stored.update({name: value for name, value in body.items() if name != "kommKz"})
        self.faults.at(f"rows.{method}.after")
        return dict(stored)

    def arrive(self) -> None:
        """POSTs that were given up for lost land after all."""
        for record_id, body in self.under_way:
            self._made(record_id, body)
        self.under_way.clear()

    def _made(self, record_id: str, body: Payload) -> dict[str, Any]:
        stored = {**body, "id": next(self._ids), "kommKz": 0}
        self.right.records[record_id]["kommunikation"].append(stored)
        return stored


class Shop(Office):
    """See the module."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.left.attributes = (*self.left.attributes, "emailAddressData", "phoneNumberData")
        self.rows = FakeRows(self.right, self.faults)
        seed, show = self.right.seed, self.right._snapshot

        def with_rows(**values: Any) -> str:
            record_id = seed(**values)
            self.right.records[record_id].setdefault("kommunikation", [])
            return record_id

        def frozen(record_id: str) -> Snapshot:
            shown = show(record_id)
            copied = [dict(row) if isinstance(row, dict) else row for row in shown.payload["kommunikation"]]
            return replace(shown, payload={**shown.payload, "kommunikation": copied})

        self.right.seed = with_rows  # type: ignore[method-assign]
        self.right._snapshot = frozen  # type: ignore[method-assign]
        remotes = Remotes(self.left, self.right, self.links, self.locks, self.notifier, self.clock)
        companion = Companion(KommunikationLists(), self.rows)
        self.engine = Engine(BETEILIGTE, remotes, self.settings, companion=companion)

    async def with_mails(self, *values: str) -> str:
        """A party in step, with these addresses. Calls are forgotten."""
        self.left.seed("p1", lastName="Probe", firstName="Paula", assignedUserId=ANNA)
        self.mails(*values)
        await self.sync("p1")
        self.forget_calls()
        return self.betnr()

    def mails(self, *values: str) -> None:
        """A user's list of addresses, the first one primary."""
        items = [
            {"emailAddress": v, "lower": v.lower(), "primary": i == 0, "optOut": False, "invalid": False}
            for i, v in enumerate(values)
        ]
        self.left.edit("p1", emailAddressData=items)

    def adds_a_mail(self, value: str) -> None:
        """A user's address, behind those that are there."""
        there = self.left.records["p1"]["emailAddressData"]
        item = {"emailAddress": value, "lower": value.lower(), "primary": False, "optOut": False, "invalid": False}
        self.left.edit("p1", emailAddressData=[*there, item])

    def shown_mails(self) -> list[str]:
        return [item["emailAddress"] for item in self.left.records["p1"]["emailAddressData"] or ()]

    def numbers(self) -> list[str]:
        return [row["tlf"] for row in self.party()["kommunikation"]]

    def at_the_desk(self, number: int, tlf: str) -> None:
        """A person changes the value of the n-th row."""
        self.party()["kommunikation"][number]["tlf"] = tlf

    def typed_at_the_desk(self, komm_kz: int, tlf: str, bemerkung: str = "") -> None:
        """A person enters a row."""
        rows = self.party()["kommunikation"]
        rows.append({"id": 901 + len(rows), "kommKz": komm_kz, "tlf": tlf, "bemerkung": bemerkung, "online": False})

    def forget_calls(self) -> None:
        super().forget_calls()
        self.rows.calls.clear()

    @property
    def calls(self) -> int:
        return super().calls + len(self.rows.calls)

    @property
    def writes(self) -> int:
        return super().writes + len(self.rows.calls)
