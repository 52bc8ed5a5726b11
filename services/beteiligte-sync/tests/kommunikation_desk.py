"""One party's communication in memory: EspoCRM's lists, Advoware's rows with their manners, and our memory between."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beteiligte_sync.entities.kommunikation import marker
from beteiligte_sync.entities.kommunikation.diff import diff
from beteiligte_sync.entities.kommunikation.entry import Entry, Known, Row, read_entries, read_rows, type_for
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.plan import ListPlan, RowWrite, Told
from beteiligte_sync.entities.kommunikation.resume import attempts, came_true, resumed
from synckit.ports import Attempted

MAIL, PHONE = Kind.MAIL, Kind.PHONE


class Crash(BaseException):
    """The process is gone."""


class Desk:
    """Rows as the server stores them; `kommKz` of a row that the API made is shown as 0 until a desk edits it.

    `is_slow`: a POST has no answer. It lands with `arrive`, or never; until then it is `under_way`.
    """

    def __init__(self) -> None:
        self.left: dict[Kind, list[Entry]] = {MAIL: [], PHONE: []}
        self.rows: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.known: dict[str, Known] = {}
        self.attempted: tuple[Attempted, ...] = ()
        self.told: list[Told] = []
        self.puts = self.posts = self.left_writes = 0
        self.step: Callable[[], None] = lambda: None
        self.is_slow = False
        self.under_way: dict[tuple[Kind, str | None], RowWrite] = {}
        self._ids = itertools.count(1)

    # -- people

    def types(self, kind: Kind, value: str, phone_type: str = "Mobile", **flags: bool) -> None:
        """Somebody adds an entry in EspoCRM."""
        typed = phone_type if kind is PHONE else ""
        self.store_left(kind, [*self.left[kind], Entry(kind, value, typed, **flags)])

    def enters(self, komm_kz: int, tlf: str, bemerkung: str = "") -> str:
        """Somebody enters a row at a desk."""
        row = str(next(self._ids))
        self.rows[row] = {"id": row, "kommKz": komm_kz, "tlf": tlf, "bemerkung": bemerkung, "online": False}
        return row

    def edits(self, row: str, **values: Any) -> None:
        """Somebody edits a row at a desk."""
        self.rows[row].update(values)
        self.hidden.discard(row)

    def store_left(self, kind: Kind, entries: list[Entry]) -> None:
        """EspoCRM's way with a list: one of a value, one primary."""
        unique = list({e.key: e for e in entries}.values())
        primary = next((e.key for e in reversed(unique) if e.primary), unique[0].key if unique else "")
        self.left[kind] = [replace(e, primary=e.key == primary) for e in unique]

    # -- what both sides show

    def shown_left(self) -> dict[Kind, tuple[Entry, ...]]:
        return read_entries({kind.attribute: [e.as_item() for e in entries] for kind, entries in self.left.items()})

    def shown_rows(self) -> tuple[Row, ...]:
        shown = [{**row, "kommKz": 0} if row["id"] in self.hidden else row for row in self.rows.values()]
        return read_rows({"kommunikation": shown}) or ()

    # -- a look

    def plan(self, *, confirmed: bool = False) -> ListPlan:
        return diff(self.shown_left(), self.shown_rows(), self._agreed()[0], confirmed=confirmed)

    def look(self, *, confirmed: bool = False) -> ListPlan:
        """The engine's order: announce, rows, one PUT of the lists, remember. `step` may crash anywhere."""
        self.step()
        agreed, done = self._agreed()
        plan = diff(self.shown_left(), self.shown_rows(), agreed, confirmed=confirmed)
        if plan.held:
            return plan
        if any((write.agreed.kind, write.agreed.key) in self.under_way for write in plan.writes):
            raise Crash
        self.attempted = tuple({a.field: a for a in (*done, *attempts(agreed, plan))}.values())
        self.told += plan.told
        known = dict(plan.known)
        for write in plan.writes:
            self.step()
            known[self._write(write)] = write.agreed
        self.step()
        if plan.lists:
            self.left_writes += 1
            for kind, entries in plan.lists.items():
                assert [e.primary for e in entries].count(True) == min(1, len(entries))
                self.store_left(kind, list(entries))
        self.step()
        self.known, self.attempted = known, ()
        return plan

    def _agreed(self) -> tuple[dict[str, Known], tuple[Attempted, ...]]:
        done = came_true(self.known, self.attempted, self.shown_left(), self.shown_rows())
        return resumed(self.known, done), done

    def _write(self, write: RowWrite) -> str:
        body = write.body()
        assert len(body["bemerkung"]) <= marker.LIMIT
        if write.row is not None:
            self.puts += 1
            self.rows[write.row].update(body)
            return write.row
        self.posts += 1
        if self.is_slow:
            self.under_way[write.agreed.kind, write.agreed.key] = write
            raise Crash
        assert not [row for row in self.free_slots() if self.rows[row]["kommKz"] == body["kommKz"]], "a slot was free"
        return self._made(write)

    def arrive(self) -> None:
        """POSTs that had no answer land after all."""
        for write in self.under_way.values():
            self._made(write)
        self.under_way.clear()

    def _made(self, write: RowWrite) -> str:
        body = write.body()
        row = self.enters(body["kommKz"], body["tlf"], body["bemerkung"])
        self.hidden.add(row)
        return row

    def free_slots(self) -> list[str]:
        """Blank rows that were ours, or were known to us."""
        return [
            row
            for row, stored in self.rows.items()
            if not stored["tlf"] and (marker.read(stored["bemerkung"]).is_slot or row in self.known)
        ]

    def values(self, kind: Kind) -> list[str]:
        return [e.value for e in self.left[kind]]

    def numbers(self) -> list[str]:
        return [row["tlf"] for row in self.rows.values()]


def phone_type(komm_kz: int) -> str:
    return type_for(PHONE, komm_kz)
