"""One event, one outcome: what is parked, and what waits without being anybody's fault."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from office import Office

from beteiligte_sync.handlers import SyncHandler
from synckit.errors import CircuitOpen, CredentialsRefused, InvalidEvent, RateLimited, RemoteUnavailable, TransientError
from synckit.events import Action, ChangeEvent, Origin
from synckit.handling import Attempt


def event(entity: str = "beteiligte") -> ChangeEvent:
    return ChangeEvent(entity, "p1", Action.UPDATE, Origin.ESPOCRM, datetime(2026, 6, 1, tzinfo=UTC), id="e1")


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
