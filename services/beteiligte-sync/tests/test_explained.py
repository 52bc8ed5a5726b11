"""What programs are told of a record: counts of what the engine then does, and no effect at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest
from office import Office

from recordsync.explain.explainer import RecordExplainer
from recordsync.explain.gather import Sources
from recordsync.testing.memory import FakeLinks
from synckit.errors import RemoteUnavailable
from synckit.ports import JournalEntry, RecordState


class Inspected:
    """`gather.Memory` over the fake store: no fence is taken."""

    def __init__(self, links: FakeLinks) -> None:
        self._links = links

    async def record(self, left_id: str) -> tuple[RecordState, Mapping[str, datetime]]:
        row = self._links.rows.get(left_id)
        state = RecordState(fence=0, key=self._links.key)
        if row is None:
            return state, {}
        return RecordState(
            fence=row.fence,
            link=row.link,
            base=row.base,
            notes=frozenset(row.notes),
            attempted=row.attempted,
            looked_at=row.looked_at,
            key=self._links.key,
        ), {}

    async def journal(self, left_id: str, limit: int) -> Sequence[tuple[int, JournalEntry]]:
        return []

    async def owner_of(self, right_id: str) -> str | None:
        return next((one for one, row in self._links.rows.items() if row.link and row.link.right_id == right_id), None)

    async def right_id_of(self, entity: str, left_id: str) -> str | None:
        return None


def explainer(office: Office) -> RecordExplainer:
    sources = Sources(office.left, office.right, Inspected(office.links), None, None, office.clock)
    return RecordExplainer(sources, office.engine.rules)


@pytest.mark.parametrize("edited", ["nothing", "left", "right", "both", "left_gone", "unlinked"])
async def test_it_says_what_a_sync_then_does(edited: str) -> None:
    office = Office()
    betnr = await office.linked()
    if edited in ("left", "both"):
        office.left.edit("p1", firstName="Pauline")
    if edited in ("right", "both"):
        office.right.edit(betnr, titel="Dr.")
    if edited == "left_gone":
        del office.left.records["p1"]
    if edited == "unlinked":
        office.left.seed("p2", lastName="Neu")
    record = "p2" if edited == "unlinked" else "p1"
    fences, writes = {one: row.fence for one, row in office.links.rows.items()}, _writes(office)

    told = await explainer(office).explain(record)

    assert told is not None
    assert ({one: row.fence for one, row in office.links.rows.items()}, _writes(office)) == (fences, writes)
    done = await office.sync(record)
    assert (told.outcome, told.writes) == (
        done.result,
        {"espocrm": done.left_writes, "advoware": done.right_writes},
    )


@pytest.mark.parametrize("name", ["nobody", "kein Schlüssel", ""])
async def test_an_unknown_record_is_none(name: str) -> None:
    assert await explainer(Office()).explain(name) is None


async def test_a_remote_that_is_away_is_no_answer() -> None:
    office = Office()
    await office.linked()

    def away(point: str) -> None:
        if point.startswith("right.read"):
            raise RemoteUnavailable("advoware", "no answer")

    office.faults.hook = away
    with pytest.raises(RemoteUnavailable):
        await explainer(office).explain("p1")


def _writes(office: Office) -> int:
    return sum(method != "read" for method, _ in (*office.left.calls, *office.right.calls))
