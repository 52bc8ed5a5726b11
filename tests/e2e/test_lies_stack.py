"""Twelve lies of each remote through the whole stack: counted from the sandboxes, nothing is lost on the other side."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from demo.morning import Morning
from demo.people import Person
from demo.remotes import ENTITY, Advoware, EspoCrm, Linked
from demo.wait import until
from deploy.local.office import Office
from deploy.local.table import TICKER, WORKER
from kanzlei import topics
from sandbox.espocrm.lies import LIES
from synckit.clock import SystemClock
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.postgres.pool import PostgresPool
from tests.e2e.outside import metric, not_acknowledged

pytestmark = pytest.mark.stack
PEOPLE = 24
LEAST = 5
NUMBERS = itertools.count(1)
FINAL_SECONDS = 2.5
"""Seen so long after its last change, a record is known to have been in that state: EspoCRM's times are seconds."""
OUT_OF_ORDER = ("another_record", "empty_list", "html", "truncated", "wrong_entity")
"""Lies that no client takes for an answer: the remote counts as out of order."""
WITH_NEWS = 8
"""People of whom a snapshot becomes old; of the others it says what is so."""
HELD_LOOKS = {
    **dict.fromkeys(("equal_names", "not_found", "null_fields", "swapped_ids"), PEOPLE),
    "old_snapshot": WITH_NEWS,
}
"""Lies that look like an answer and would take something: at least so many looks are held. The others take nothing."""
LEFT_FIELDS = ("firstName", "lastName", "dateOfBirth", "titel", "zusatz")
RIGHT_FIELDS = ("vorname", "name", "geburtsdatum", "titel", "zusatz")
REFUSED = ("espocrm", "swapped_ids")
"""Not held but refused: the record names the number of another one, which is told as its state until it is right."""
Held = Mapping[str, tuple[Any, ...]]


@dataclass
class Street:
    """People that both systems know, and what stands between a test and them."""

    seen: Morning
    publisher: KafkaPublisher
    people: Sequence[Linked] = ()

    async def ask(self) -> None:
        """Something tells of every record."""
        now = SystemClock().now()
        events = [ChangeEvent("beteiligte", each.left, Action.SYNC_CHECK, Origin.TICKER, now) for each in self.people]
        await self.publisher.publish(topics.BETEILIGTE, [encode(event) for event in events])

    async def left(self) -> dict[str, dict[str, Any]]:
        rows = (await self.seen.espo.ask("GET", "/_sandbox/state", params={"entity": ENTITY}))[ENTITY]
        return {row["id"]: row for row in rows}

    async def held(self) -> tuple[Held, Held]:
        """What both sides hold, as people see it."""
        left = await self.left()
        parties = (await self.seen.advo.ask("GET", "/_sandbox/desk/beteiligte"))["list"]
        right = {str(party["betNr"]): party for party in parties}
        return (
            {p.left: tuple(left[p.left].get(f) or None for f in LEFT_FIELDS) for p in self.people if p.left in left},
            {
                str(p.right): tuple(right[str(p.right)].get(f) or None for f in RIGHT_FIELDS)
                for p in self.people
                if str(p.right) in right
            },
        )

    async def statuses(self) -> set[str]:
        left = await self.left()
        return {str(left[person.left].get("syncStatus")) for person in self.people}

    async def writes_to_advoware(self, since: int) -> int:
        calls = await self.seen.advo.calls(since=since)
        return sum(call["method"] != "GET" for call in calls if not call["path"].endswith("/Token"))

    def held_looks(self, side: str) -> float:
        return metric(self.seen.addresses.services[WORKER.name], "sync_brake_held_total", source=side)

    async def told(self, side: str, since: int) -> bool:
        """The liar has been asked of every record, or is left alone as one that is out of order."""
        worker = self.seen.addresses.services[WORKER.name]
        if metric(worker, "sync_upstream_circuit_open", upstream=side):
            return True
        remote = self.seen.advo if side == "advoware" else self.seen.espo
        asked = {call["record"] for call in await remote.calls(since=since, method="GET")}
        wanted = {str(each.right) if side == "advoware" else each.left for each in self.people}
        return wanted <= asked and await not_acknowledged(self.seen.addresses.kafka, topics.BETEILIGTE) == 0

    async def settle(self) -> None:
        """All are in step, and were seen again since."""
        await holds(self.in_step, "all are in step")
        since = time.monotonic()
        await holds(lambda: _passed(since), "the last change is some seconds old")
        asked = await self.seen.advo.last_call()
        await self.ask()
        await holds(partial(self.told, "advoware", asked), "all were seen again")

    async def in_step(self) -> bool:
        return await self.statuses() == {"clean"} and (
            await not_acknowledged(self.seen.addresses.kafka, topics.BETEILIGTE) == 0
        )


async def holds(probe: Callable[[], Awaitable[bool]], what: str) -> None:
    async def true() -> bool | None:
        return True if await probe() else None

    await until(true, what)


@pytest.fixture
async def street(office: Office, seen: Morning) -> AsyncIterator[Street]:
    """Twenty-four people, linked, in step, and seen again once their last change was some seconds old."""
    pool = PostgresPool(seen.addresses.database_url)
    publisher = KafkaPublisher(KafkaAccess(seen.addresses.kafka), client_id="test")
    await publisher.start()
    made = Street(seen, publisher)
    try:
        await _forget_losses(pool)
        made.people = await seen.link(
            *(Person("Paula", f"Lügner {next(NUMBERS)}", "1980-02-29") for _ in range(PEOPLE))
        )
        for each in made.people:
            await seen.espo.change(each.left, titel=f"Dr. {each.right}", zusatz=f"c/o {each.right}")
        await holds(lambda: _all_have_titles(made), "all titles are in Advoware")
        yield made
    finally:
        await seen.advo.lie(None)
        await seen.espo.lie(None)
        await _forget_losses(pool)
        await publisher.stop()
        await pool.close()


async def _forget_losses(pool: PostgresPool) -> None:
    await pool.fetch("DELETE FROM brake_event", writes=True)
    await pool.fetch("DELETE FROM brake", writes=True)


async def _passed(since: float) -> bool:
    return time.monotonic() - since > FINAL_SECONDS


async def _all_have_titles(street: Street) -> bool:
    _, right = await street.held()
    return all(row[-1] == f"c/o {number}" for number, row in right.items()) and await street.in_step()


async def _news_against(street: Street, side: str, round_: int) -> None:
    """A snapshot is old once something was changed and synced after it."""
    for each in street.people[:WITH_NEWS]:
        value = f"Neu {each.right} {round_}"
        if side == "advoware":
            await street.seen.espo.change(each.left, zusatz=value)
            await street.seen.advo.until_shows(each.right, "the news", zusatz=value)
        else:
            await street.seen.advo.change(each.right, zusatz=value)
            await street.seen.espo.until_shows(each.left, "the news", zusatz=value)
    since = time.monotonic()
    await holds(lambda: _passed(since), "the news is some seconds old")


@pytest.mark.parametrize("side", ["advoware", "espocrm"])
async def test_twelve_lies_take_nothing_from_the_other_side(office: Office, street: Street, side: str) -> None:
    liar: Advoware | EspoCrm = street.seen.advo if side == "advoware" else street.seen.espo
    await street.settle()
    held = street.held_looks(side)
    for number, lie in enumerate(sorted(LIES, key=lambda each: (each in OUT_OF_ORDER, each))):
        await liar.lie(lie)
        if lie == "old_snapshot":
            await _news_against(street, side, number)
        before = await street.held()
        since_liar, since = await liar.last_call(), await street.seen.advo.last_call()
        await street.ask()
        await holds(partial(street.told, side, since_liar), f"{lie}: all were asked for")
        assert await street.held() == before, lie
        assert "deleted_in_advoware" not in await street.statuses(), lie
        if side == "espocrm":
            assert await street.writes_to_advoware(since) == 0, lie
        await liar.lie(None)
        await street.ask()
        await holds(street.in_step, f"{lie}: all are in step after it")
        assert await street.held() == before, lie
        held_before, held = held, street.held_looks(side)
        wanted = 0 if (side, lie) == REFUSED else HELD_LOOKS.get(lie, 0)
        assert held - held_before >= wanted, f"{lie}: held for all of whom it would take something"


async def test_what_a_lie_held_goes_on_by_itself(street: Street) -> None:
    await street.settle()
    ticker = street.seen.addresses.services[TICKER.name]
    await street.seen.advo.lie("null_fields")
    await street.ask()

    async def all_held() -> bool:
        return await street.statuses() == {"conflict"}

    await holds(all_held, "all are held")

    async def alarm() -> bool:
        waiting = metric(ticker, "sync_brake_waiting_records", source="advoware")
        return metric(ticker, "sync_brake_engaged", source="advoware") == 1 and waiting >= PEOPLE

    await holds(alarm, "the gauges say that the source is held, and how many records wait")
    await street.seen.advo.lie(None)
    await holds(street.in_step, "all are in step, and nobody did anything")

    async def quiet() -> bool:
        return metric(ticker, "sync_brake_engaged", source="advoware") == 0

    await holds(quiet, "the gauge says that it is over")


async def test_a_mass_deletion_stops_after_the_first_and_goes_on_when_a_person_releases_it(street: Street) -> None:
    gone = street.people[:9]
    for each in gone:
        await street.seen.advo.delete(each.right)
    await street.ask()

    async def stopped() -> bool:
        left = await street.left()
        states = [left[each.left]["syncStatus"] for each in gone]
        return sorted(states) == ["conflict"] * (len(gone) - LEAST) + ["deleted_in_advoware"] * LEAST

    await holds(stopped, "five are gone, and the rest waits")
    left, shown = await street.left(), await _command(street.seen.addresses.database_url)
    assert "Die Bremse für Advoware hält seit" in shown
    assert all(each.left in shown for each in gone if left[each.left]["syncStatus"] == "conflict")
    await _command(street.seen.addresses.database_url, "release", "advoware", "--yes")

    async def done() -> bool:
        left = await street.left()
        return {left[each.left]["syncStatus"] for each in gone} == {"deleted_in_advoware"}

    await holds(done, "all nine are gone")


async def _command(database_url: str, *words: str) -> str:
    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "beteiligte_sync.brake", *words],
            env={**os.environ, "DATABASE_URL": database_url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return await asyncio.to_thread(run)
