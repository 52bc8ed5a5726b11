"""Every call to a remote, refused in every way: somebody is told, nothing loops, none is a bug, and a mend heals it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import test_child_crashes as children
import test_crashes as parties
import test_kommunikation_engine as lists
from household import Household
from kommunikation_office import Shop
from office import Office

from recordsync import EngineSettings, Outcome
from synckit.errors import PermanentError, RemoteRejected, SyncError, TransientError
from synckit.ports import IMPORT

DAY = 25 * 3600
SYSTEMS = {"left": "espocrm", "notifier": "espocrm", "right": "advoware", "rows": "advoware"}
REFUSALS = [
    (400, "valid", "titel"),
    (400, "required", "kategorie"),
    (400, "rejected", None),
    (403, "No edit access", None),
    (404, "rejected", None),
    (409, "rejected", None),
    (413, "rejected", None),
    (422, "rejected", None),
]
MOST_CALLS = 40
"""In one round of a scene, however much is refused."""


@dataclass
class Scene:
    """`look` is one round of events and timers."""

    office: Office
    look: Callable[[], Awaitable[list[Outcome]]]


async def of_a_party(prepare: Callable[[Office], Awaitable[None]], settings: EngineSettings | None = None) -> Scene:
    office = Office(settings or EngineSettings())
    await prepare(office)

    async def look() -> list[Outcome]:
        return [await office.sync("p1")]

    return Scene(office, look)


async def of_lists(prepare: Callable[[Shop], Awaitable[None]]) -> Scene:
    shop = Shop()
    await prepare(shop)

    async def look() -> list[Outcome]:
        return [await shop.sync("p1")]

    return Scene(shop, look)


async def of_children(prepare: Callable[[], Awaitable[Household]]) -> Scene:
    house = await prepare()

    async def look() -> list[Outcome]:
        done = [await house.party_synced()]
        house.publisher.sent.clear()
        ids = sorted({*house.children.records, *(one for one in house.child_links.rows if not one.startswith(IMPORT))})
        return done + [await house.sync(one) for one in ids]

    return Scene(house, look)


Make = Callable[[], Awaitable[Scene]]


def scenes() -> Iterator[tuple[str, Make]]:
    for each in parties.SCENES:
        yield f"party {each.__name__}", partial(of_a_party, each)
    when_unused = EngineSettings(delete="when-unused")
    yield "party deleted there too", partial(of_a_party, parties.deleted_left, when_unused)
    for one in lists.SCENES:
        yield f"lists {one.__name__}", partial(of_lists, one)
    for scene in children.SCENES:
        yield f"child {scene.__name__}", partial(of_children, scene)


ALL = list(scenes())


def refusing(office: Office, point: str, refusal: tuple[int, str, str | None]) -> None:
    status, reason, field = refusal

    def hook(passed: str) -> None:
        if passed == point:
            raise RemoteRejected(SYSTEMS[point.partition(".")[0]], status, reason, field=field)

    office.faults.hook = hook


async def one_round(scene: Scene) -> tuple[list[Outcome], SyncError | None]:
    """What the worker makes of it: an error of the taxonomy is parked or a dead letter, anything else is a bug."""
    try:
        return await scene.look(), None
    except SyncError as error:
        return [], error


async def points_of(make: Make) -> list[str]:
    scene = await make()
    scene.office.faults.points.clear()
    await scene.look()
    found = dict.fromkeys(scene.office.faults.points)
    return [each for each in found if each.partition(".")[0] in SYSTEMS and each.endswith(".before")]


def shown(scene: Scene) -> dict[str, Any]:
    """What both remotes hold, but for times and versions."""
    office = scene.office
    stores = [office.left.records, office.right.records]
    if isinstance(office, Household):
        stores += [office.children.records, office.rows.records]
    return {
        str(at): [{k: _flat(v) for k, v in record.items() if k not in children.VOLATILE} for record in store.values()]
        for at, store in enumerate(stores)
    }


def _flat(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return sorted(repr(sorted((k, v) for k, v in row.items() if k not in children.VOLATILE)) for row in value)


async def settled(scene: Scene) -> dict[str, Any]:
    for _ in range(6):
        scene.office.clock.advance(DAY)
        before = scene.office.writes
        await one_round(scene)
        if scene.office.writes == before:
            break
    return shown(scene)


@pytest.mark.parametrize(("name", "make"), ALL, ids=[name for name, _ in ALL])
async def test_every_refused_call_is_somebodys_task(name: str, make: Make) -> None:
    expected = await settled(await make())
    points = await points_of(make)
    assert points
    for point, refusal in itertools.product(points, REFUSALS):
        scene = await make()
        office, where = scene.office, f"{name}: {point} {refusal}"
        office.faults.points.clear()
        refusing(office, point, refusal)
        outcomes, error = await one_round(scene)
        if point not in office.faults.points:
            continue
        is_counted = any(each.refused or each.undeliverable for each in outcomes) or error is not None
        # A question that a stream answers as well; and a row that is there already is taken, and no refusal.
        is_plain = point == "notifier.told.before" or (point, refusal[0]) == ("right.create.before", 409)
        assert is_counted or is_plain, where
        calls = []
        for _ in range(3):
            office.forget_calls()
            error = (await one_round(scene))[1]
            # Whom the left does not know any more is read again, and parked where that goes on.
            assert not isinstance(error, TransientError) or (point, refusal[0]) == ("left.update.before", 404), where
            calls.append((office.calls, office.writes))
        assert calls[-1][0] <= MOST_CALLS, where
        assert calls[-1][1] <= calls[0][1], where
        if error is None and (refusal[2] is not None or refusal[0] != 400):
            assert calls[-1][1] <= is_left_to_the_desk(point), (where, calls)
        office.faults.clear()
        if point != "right.delete.before":  # A person deletes it at the desk, as the note says.
            assert await settled(scene) == expected, where


def is_left_to_the_desk(point: str) -> int:
    """Calls that may be tried again and again: those that cost nothing when they are refused."""
    return 2 if point.startswith(("rows", "right.candidates", "right.read")) else 0


def test_a_dead_letter_is_what_remains() -> None:
    """What the engine raises is of the taxonomy: the worker parks it, or writes a dead letter with its reason."""
    assert issubclass(RemoteRejected, PermanentError)
