"""One event, one outcome: what is parked, and what waits without being anybody's fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from office import Office
from structlog.testing import capture_logs

from beteiligte_sync.handlers import SyncHandler, accepts
from kanzlei.nouns import ESPOCRM
from recordsync import Outcome
from synckit.errors import (
    CircuitOpen,
    CredentialsRefused,
    InvalidEvent,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    TransientError,
)
from synckit.events import Action, ChangeEvent
from synckit.handling import Attempt


def event(entity: str = "beteiligte") -> ChangeEvent:
    return ChangeEvent(entity, "p1", Action.UPDATE, ESPOCRM, datetime(2026, 6, 1, tzinfo=UTC), id="e1")


ATTEMPT = Attempt(1, 0.0, (event(),))


async def test_every_action_comes_to_the_same_look() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    done = await SyncHandler("beteiligte", office.engine).handle(event(), ATTEMPT)
    assert done.result == "created"


async def test_an_event_of_another_entity_is_invalid() -> None:
    with pytest.raises(InvalidEvent):
        await SyncHandler("beteiligte", Office().engine).handle(event("adressen"), ATTEMPT)


async def test_trouble_of_a_remote_parks_the_record() -> None:
    office = Office()
    await office.linked()
    await SyncHandler("beteiligte", office.engine).give_up(event(), RemoteUnavailable("advoware", "503"), ATTEMPT)
    assert office.links.rows["p1"].parked is not None


@pytest.mark.parametrize(
    "error",
    [
        RemoteUnavailable("redis", "away"),
        RemoteUnavailable("postgres", "away"),
        CredentialsRefused("advoware_auth", "credentials refused", retry_after=600),
        CircuitOpen("advoware", "in trouble, not asked", retry_after=2),
        RateLimited("advoware", retry_after=60),
    ],
)
async def test_trouble_that_is_no_records_fault_parks_nothing_and_waits(error: TransientError) -> None:
    office = Office()
    await office.linked()
    with pytest.raises(TransientError):
        await SyncHandler("beteiligte", office.engine).give_up(event(), error, ATTEMPT)
    assert office.links.rows["p1"].parked is None


async def test_a_refusal_and_a_note_for_nobody_leave_a_line_without_values() -> None:
    """And a count of each: what a remote refuses is never silent."""
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, titel="Geheimer Titel")
    office.left.edit("p1", titel="Anderer Titel")

    def refuse(point: str) -> None:
        if point == "notifier.tell.before":
            raise RemoteRejected("espocrm", 403, "No create access")
        if point == "right.update.before" and not seen:
            raise RemoteRejected("advoware", 400, "rejected", field="titel")

    seen: list[Outcome] = []
    office.faults.hook = refuse
    handler = SyncHandler("beteiligte", office.engine, lambda _entity, outcome: seen.append(outcome))
    with capture_logs() as lines:
        await handler.handle(event(), ATTEMPT)
    assert [line["event"] for line in lines] == ["sync.refused"] * len(seen[0].refused)
    assert {(line["upstream"], line["code"], line["field"]) for line in lines} == {("advoware", 400, "titel")}
    assert "Titel" not in repr(lines).replace("titel", "")
    office.left.edit("p1", zusatz="a")
    office.right.edit(betnr, zusatz="b")
    with capture_logs() as lines:
        await handler.handle(event(), ATTEMPT)
    assert ("sync.note_undeliverable", 1) in {(line["event"], line.get("count")) for line in lines}
    assert [line["log_level"] for line in lines if line["event"] == "sync.note_undeliverable"] == ["error"]


@pytest.mark.parametrize(
    "strange",
    [replace(event(), action="employee"), replace(event(), domain="calendar"), replace(event(), entity_id="M%C3%9C")],
    ids=["action", "domain", "id"],
)
def test_an_event_that_no_record_has_is_invalid(strange: ChangeEvent) -> None:
    accepts(event())
    with pytest.raises(InvalidEvent):
        accepts(strange)
