"""Lists of any length, with what a remote allows: 100,000 parties, mass changes, pages of 20 rows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.testing.tokens import FakeTokenCache
from recordsync.testing.memory import FakeLinks, FakePublisher
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT_LIMITS
from ticker.adapters.lists import AdvowareLists, EspoLists
from ticker.domain.entities import BY_NAME
from ticker.handlers import ChangedAtDesk, Emitter, Modified, RowsAtDesk, WaitingStates

ADRESSEN = BY_NAME["adressen"]

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOGIN = AdvowareLogin("app", "64", "a2V5", "Kanzlei", "db", "user", "2", "geheim")
MANY = 100_000
OVERLAP = timedelta(minutes=2)
Rule = Callable[[str, str], bool]


@dataclass
class ManyRecords:
    """EspoCRM's list of records that all changed in one of two seconds, made as it is asked for."""

    count: int
    most: int = 200
    refusal: str = "Max size should not exceed {}. Use offset and limit."
    asked: list[dict[str, Any]] = field(default_factory=list)

    def at(self, number: int) -> str:
        return f"2026-06-01 11:59:{30 + (number >= self.count // 2):02}"

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/Note"):
            return web.Response(status=403, headers={"X-Status-Reason": "No read access."})
        if request.path.endswith("/stream"):
            size = int(request.query.get("maxSize", "0"))
            return self.refused() if size > self.most else web.json_response({"list": [{"post": "#5a1-7"}]})
        search = json.loads(request.query["searchParams"])
        self.asked.append(search)
        size = search["maxSize"]
        if size > self.most:
            return self.refused()
        start = self._after(search["where"]) + search["offset"]
        rows = [self.row(number) for number in range(start, min(start + size, self.count))]
        return web.json_response({"total": self.count - start, "list": rows})

    def refused(self) -> web.Response:
        return web.Response(status=403, headers={"X-Status-Reason": self.refusal.format(self.most)})

    def row(self, number: int) -> dict[str, Any]:
        at = self.at(number)
        return {"id": f"5b{number:015x}", "createdAt": at, "modifiedAt": at, "modifiedById": "anna"}

    def _after(self, where: list[Mapping[str, Any]]) -> int:
        behind = next(
            (clause["value"][1]["value"] for clause in where if clause["type"] == "or" and _is_ours(clause)), None
        )
        return 0 if behind is None else int(behind[1]["value"][2:], 16) + 1


def _is_ours(clause: Mapping[str, Any]) -> bool:
    return len(clause["value"]) == 2 and clause["value"][0]["type"] == "greaterThan"


@dataclass
class ManyParties:
    """Advoware's list, made as it is asked for."""

    count: int
    calls: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.calls += 1
        skip, take = int(request.query["skip"]), int(request.query["take"])
        numbers = range(skip + 1, min(skip + take, self.count) + 1)
        return web.json_response([{"betNr": n, "rowId": f"r{n}", "adressen": [], "kommunikation": []} for n in numbers])


class Office:
    """Both remotes behind the ticker's own lists, our memory and a broker that counts."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock(NOON)
        wiring = Wiring(limits=PATIENT_LIMITS, monotonic=self.clock.monotonic)
        cache = FakeTokenCache(self.clock)
        cache.token = Token("t", self.clock.now() + timedelta(hours=9), LOGIN.fingerprint)
        self.auth = AdvowareAuth(url, LOGIN, cache, self.clock, wiring)
        self.advoware, self.espocrm = AdvowareClient(url, self.auth, wiring), EspoClient(url, EspoAuth("key"), wiring)
        self.left, self.right = EspoLists(self.espocrm), AdvowareLists(AdvowareBeteiligteStore(self.advoware))
        self.store, self.publisher = FakeLinks(), FakePublisher()
        self.emitter = Emitter(self.publisher, self.clock)

    async def close(self) -> None:
        for each in (self.advoware, self.auth, self.espocrm):
            await each.close()


@asynccontextmanager
async def office(remote: ManyRecords | ManyParties) -> AsyncIterator[Office]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", remote.answer)
    async with TestServer(app) as server:
        made = Office(str(server.make_url("")).rstrip("/"))
        try:
            yield made
        finally:
            await made.close()


async def test_more_than_a_hundred_thousand_changes_in_two_seconds() -> None:
    """A mass update: all are told in one run, each once, and the cursor is behind them."""
    remote = ManyRecords(MANY + 500)
    async with office(remote) as here:
        told = await here.emitter.carry_out(Modified(here.left, here.store, here.clock, overlap=OVERLAP))
        assert (told.seen, told.emitted, told.capped) == (MANY + 500, MANY + 500, False)
        assert len({record.key for _, record in here.publisher.sent}) == MANY + 500
        assert here.store.cursors["espocrm.beteiligte.modified"] >= (NOON - timedelta(seconds=29)).isoformat()
        assert {search["offset"] for search in remote.asked} == {0}


async def test_a_run_that_breaks_off_has_moved_its_cursor() -> None:
    """What it got through is not begun anew for ever."""
    async with office(ManyRecords(60_000)) as here:
        publish, published = here.publisher.publish, []

        async def refusing(topic: str, records: Any) -> None:
            published.append(topic)
            if len(published) > 80:
                raise RemoteUnavailable("kafka", "away")
            await publish(topic, records)

        here.publisher.publish = refusing  # type: ignore[method-assign]
        with pytest.raises(RemoteUnavailable):
            await here.emitter.carry_out(Modified(here.left, here.store, here.clock, overlap=OVERLAP))
        assert here.store.cursors["espocrm.beteiligte.modified"] == (NOON - timedelta(seconds=29)).isoformat()


async def test_a_hundred_thousand_parties_are_listed() -> None:
    """At a desk and with their rows; exactly so many that the last page is full."""
    remote = ManyParties(MANY)
    async with office(remote) as here:
        rows = await here.emitter.carry_out(RowsAtDesk(here.right, here.store, {ADRESSEN: FakeLinks()}))
        desk = ChangedAtDesk(here.right, here.store, here.clock, overlap=OVERLAP, limit=1000)
        changed = await here.emitter.carry_out(desk)
        assert (rows.seen, rows.capped, changed.seen, changed.capped) == (MANY, False, MANY, False)
        assert remote.calls == 2 * (MANY // 100 + 1)


@pytest.mark.parametrize("most", [1, 20, 100, 199, 200, 500])
async def test_the_page_size_is_what_espocrm_allows(most: int) -> None:
    """`recordListMaxSizeLimit`: learned from the first refusal, once for all lists of a process."""
    remote = ManyRecords(450, most)
    async with office(remote) as here:
        waiting = WaitingStates(here.left, here.clock, stale_syncing=timedelta(minutes=10))
        for look in (waiting, Modified(here.left, here.store, here.clock, overlap=OVERLAP)):
            assert (await here.emitter.carry_out(look)).emitted == 450
        assert await EspoNotifier(here.espocrm, "CBeteiligte").told("5a1", "#5a1-7")
        assert sum(search["maxSize"] > most for search in remote.asked) == (1 if most < 200 else 0)


@pytest.mark.parametrize("refusal", ["Max size should not exceed 0. Use offset and limit.", "No read access."])
async def test_a_refusal_that_helps_nobody_is_told(refusal: str) -> None:
    """With EspoCRM's own reason, and without asking for ever."""
    async with office(ManyRecords(10, 5, refusal)) as here:
        with pytest.raises(RemoteRejected, match=refusal.rstrip(".")):
            await EspoStore(here.espocrm, "CBeteiligte").find({"betnr": 1})


async def test_rows_without_a_time_are_paged_all_the_same() -> None:
    """Where nothing says where a page ends, a count has to do."""

    class Timeless(ManyRecords):
        def row(self, number: int) -> dict[str, Any]:
            return {**super().row(number), "createdAt": None, "modifiedAt": "0001-01-01"}

    async with office(Timeless(450)) as here:
        found = [row["id"] async for row in EspoStore(here.espocrm, "CBeteiligte").select([])]
        assert len(set(found)) == len(found) == 450
