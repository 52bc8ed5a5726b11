"""POSTs that land long after we gave up on them, and what is slow around them: never a second record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime

import pytest
from office import Office

from synckit.errors import RemoteUnavailable
from synckit.ports import Payload, Snapshot
from synckit.testing.faults import Crash


def office_with_a_new_person() -> Office:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    return office


@pytest.mark.parametrize(("seconds", "posts"), [(5, 1), (6, 0)])
async def test_a_post_is_not_sent_where_the_database_took_too_long_with_its_intent(seconds: int, posts: int) -> None:
    office = office_with_a_new_person()

    def slow(point: str) -> None:
        if point == "links.declare.after":
            office.faults.clear()
            office.clock.advance(seconds)

    office.faults.hook = slow
    with nullcontext() if posts else pytest.raises(RemoteUnavailable, match="postgres"):
        await office.sync("p1")
    assert office.right.calls.count(("create", "")) == posts
    assert office.links.rows["p1"].intent is None
    assert (await office.sync("p1")).result == ("unchanged" if posts else "created")
    assert len(office.right.records) == 1


async def test_killed_with_an_intent_that_took_too_long_the_next_look_waits_for_it() -> None:
    office = office_with_a_new_person()

    def killed(point: str) -> None:
        if point == "links.declare.after":
            office.clock.advance(6)
        if point == "links.commit.before":
            raise Crash

    office.faults.hook = killed
    with pytest.raises(Crash):
        await office.sync("p1")
    office.faults.clear()
    with pytest.raises(RemoteUnavailable) as waiting:
        await office.sync("p1")
    assert waiting.value.retry_after == pytest.approx(19)
    office.clock.advance(19)
    assert (await office.sync("p1")).result == "created"


async def test_what_lands_while_an_answer_is_on_its_way_is_not_held_for_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = office_with_a_new_person()
    candidates = office.right.candidates

    def lost(point: str) -> None:
        if point == "right.create.before":
            office.faults.clear()
            raise RemoteUnavailable("advoware", "no end within the limit", maybe_applied=True)

    async def slow(payload: Payload, since: datetime) -> Sequence[Snapshot]:
        monkeypatch.setattr(office.right, "candidates", candidates)
        found = await candidates(payload, since)
        await office.right.create(payload)
        office.clock.advance(10)
        return found

    office.faults.hook = lost
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    monkeypatch.setattr(office.right, "candidates", slow)
    office.clock.advance(20)
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    assert (await office.sync("p1")).result == "recovered"
    assert len(office.right.records) == 1
