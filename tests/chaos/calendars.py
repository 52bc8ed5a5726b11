"""Script 3: three employees with calendars, edited at desks and on phones beside the parties. Seeded."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from demo.calendars import ZONE, CalendarDay, Json, calendar_day, command
from demo.wait import StepFailedError
from deploy.local.waiting import LONG
from tests.chaos.world import World

NAMES = ("KAA", "KBB", "KCC")
DESK, PHONE = "desk", "phone"
FIELDS = ("title", "place", "time")
FIRST, MOST = 5, 40
"""Appointments of each employee that are there at first, and at most."""
SHARES = {"edit": 55, "edit_both": 12, "disagree": 8, "enter": 18, "delete": 4}
WORDS = ("Ahorn", "Birke", "Eibe", "Erle", "Esche", "Fichte", "Linde", "Pappel", "Tanne", "Ulme")
EDITS_A_SECOND, RUNS_EVERY = 1.5, 2.0
QUIET_RUNS = 8
AWAY = (StepFailedError, aiohttp.ClientError, TimeoutError)
"""What a person meets while something is down."""
View = dict[str, str]


@dataclass
class Appointment:
    """`heads`: field → what was typed last on either side, unless the other side had seen it. `gone`: deleted where."""

    key: str
    kuerzel: str
    born: str
    frnr: int | None = None
    event: str | None = None
    heads: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    passed: dict[tuple[str, str], float] = field(default_factory=dict)
    """(field, value) → when somebody who had seen it typed another one."""
    gone: str = ""
    in_doubt: bool = False
    """It was deleted while something typed on the other side was on its way."""

    def typed(self, side: str, values: View, seen: View) -> None:
        """Takes over what a person saved on one side, who saw these values there."""
        for name, value in values.items():
            kept = {(where, each) for where, each in self.heads.get(name, set()) if where != side}
            fresh = {head for head in kept if head[1] != seen.get(name)} | {(side, value)}
            self.passed |= {(name, each): time.time() for _, each in self.heads.get(name, set()) - fresh}
            self.heads[name] = fresh


class Calendars:
    """`edits` counts saves. Everything an employee's diary holds was typed here, and has its key in the title."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(f"{seed}:calendars")
        self._stack = AsyncExitStack()
        self._count = 0
        self._typed = 0
        self._working: list[asyncio.Task[None]] = []
        self._day: CalendarDay | None = None
        self._is_over = False
        self.refused: list[str] = []
        self.mails: dict[str, str] = {}
        self.appointments: dict[str, Appointment] = {}
        self.by_kind: Counter[str] = Counter()
        self.edits = 0
        self.released = 0
        self.writes_after_quiet = 0

    @property
    def day(self) -> CalendarDay:
        """Desk and phones."""
        if self._day is None:
            raise RuntimeError("not open")
        return self._day

    @property
    def is_open(self) -> bool:
        """False in runs that are about the parties alone."""
        return self._day is not None

    async def open_the_office(self) -> None:
        """Three new employees, with some appointments that are in step."""
        self._day = await self._stack.enter_async_context(calendar_day(self._world.addresses))
        for kuerzel in NAMES:
            self.mails[kuerzel] = await self.day.hire(kuerzel)
            for _ in range(FIRST):
                await self._enter_at_desk(kuerzel)
            await self.day.sync(kuerzel)

    def start(self) -> None:
        """People work, and somebody asks for runs, until `stop`."""
        self._working = [asyncio.create_task(self._work()), asyncio.create_task(self._ask_for_runs())]

    async def stop(self) -> None:
        """Nobody is cut off in the middle of a save."""
        self._is_over = True
        await asyncio.gather(*self._working)
        self._working = []

    async def close(self) -> None:
        await self._stack.aclose()

    async def _work(self) -> None:
        while not self._is_over:
            try:
                await self.act(self._chance.choices(list(SHARES), list(SHARES.values()))[0])
            except StepFailedError as error:  # gone meanwhile: the oracle says whether it may be
                self.refused.append(str(error))
            await asyncio.sleep(self._chance.expovariate(EDITS_A_SECOND))

    async def _ask_for_runs(self) -> None:
        while not self._is_over:
            for kuerzel in NAMES:
                try:
                    await self.day.ask(kuerzel)
                except AWAY:
                    continue
            await asyncio.sleep(RUNS_EVERY)

    async def act(self, kind: str) -> None:
        """One thing that people do."""
        self.by_kind[kind] += 1
        if kind == "enter":
            kuerzel = self._chance.choice(NAMES)
            if sum(one.kuerzel == kuerzel and not one.gone for one in self.appointments.values()) < MOST:
                at_desk = self._chance.random() < 0.5
                await (self._enter_at_desk(kuerzel) if at_desk else self._enter_on_phone(kuerzel))
            return
        alive = [one for one in self.appointments.values() if not one.gone]
        if not alive:
            return
        one = self._chance.choice(alive)
        views = await self.views(one)
        if kind == "delete":
            await self._delete(one, views)
        elif kind in ("edit_both", "disagree") and len(views) == 2:
            names = self._chance.sample(FIELDS, 3)
            await self._edit(one, DESK, views[DESK], names[:1])
            await self._edit(one, PHONE, views[PHONE], names[:1] if kind == "disagree" else names[1:])
        elif views:
            side = self._chance.choice(sorted(views))
            await self._edit(one, side, views[side], self._chance.sample(FIELDS, self._chance.randint(1, 2)))

    # -- single saves ----------------------------------------------------------------------------------------------

    async def _enter_at_desk(self, kuerzel: str) -> None:
        one = self._new(kuerzel, DESK)
        values = self._values(one, FIELDS)
        made = await self.day.desk("POST", "termine", {"sb": kuerzel, "anwalt": kuerzel, **at_desk(values)})
        one.frnr = int(made["frNr"])
        self._keep(one, values)

    async def _enter_on_phone(self, kuerzel: str) -> None:
        one = self._new(kuerzel, PHONE)
        values = self._values(one, FIELDS)
        made = await self.day.enter(self.mails[kuerzel], **on_phone(values))
        one.event = str(made["id"])
        self._keep(one, values)

    def _new(self, kuerzel: str, born: str) -> Appointment:
        self._count += 1
        return Appointment(f"T{self._count:04d}", kuerzel, born)

    def _keep(self, one: Appointment, values: View) -> None:
        one.typed(one.born, values, {})
        self.appointments[one.key] = one
        self.edits += 1

    async def _edit(self, one: Appointment, side: str, seen: View, names: list[str]) -> None:
        values = self._values(one, names)
        if side == DESK:
            await self.day.desk("POST", f"termine/{one.frnr}", at_desk(values))
        else:
            path = await self.day.path_of(self.mails[one.kuerzel], str(one.event))
            await self.day.google("PATCH", path, on_phone(values), person=self.mails[one.kuerzel])
        one.typed(side, values, seen)
        self.edits += 1

    async def _delete(self, one: Appointment, views: dict[str, View]) -> None:
        """On either side, where a person sees it."""
        if not views:
            return
        side = self._chance.choice(sorted(views))
        one.in_doubt = len(views) < 2 or any(len(heads) > 1 for heads in one.heads.values()) or not in_step(one, views)
        if side == DESK:
            await self.day.desk("DELETE", f"termine/{one.frnr}")
        else:
            await self.day.delete(self.mails[one.kuerzel], str(one.event))
        one.gone = side
        self.edits += 1

    def _values(self, one: Appointment, names: list[str] | tuple[str, ...]) -> View:
        """Texts and times that nobody ever typed before."""
        fresh: View = {}
        for name in names:
            self._typed += 1
            number = self._typed
            at = datetime.now(ZoneInfo(ZONE)).replace(hour=8, minute=0, second=0, microsecond=0, tzinfo=None)
            at += timedelta(days=20 + number % 300, hours=number // 300 % 10, minutes=number % 59)
            text = f"{self._chance.choice(WORDS)} {one.key} {number}"
            fresh[name] = f"{at:%Y-%m-%dT%H:%M}" if name == "time" else text
        return fresh

    # -- what both sides show --------------------------------------------------------------------------------------

    async def views(self, one: Appointment) -> dict[str, View]:
        """Side → what a person sees there; learns the numbers that the sides have given it."""
        found: dict[str, View] = {}
        for row in await self.day.termine(one.kuerzel):
            if one.key in row["text"].split():
                one.frnr, found[DESK] = int(row["frNr"]), desk_view(row)
        for event in await self.day.events(self.mails[one.kuerzel]):
            if one.key in event.get("summary", "").split():
                one.event, found[PHONE] = str(event["id"]), phone_view(event)
        return found

    # -- calm ------------------------------------------------------------------------------------------------------

    async def calm(self) -> None:
        """Runs until none writes; what waits for a person is released. Nothing is wrong any more."""
        await self.stop()
        await self.day.google("DELETE", "/_sandbox/faults")
        await asyncio.to_thread(self._world.office.wait_ready, "calendar-sync")
        for _ in range(QUIET_RUNS):
            before = await self._writes()
            for kuerzel in NAMES:
                await self._run(kuerzel)
            self.writes_after_quiet = await self._writes() - before
            if not self.writes_after_quiet:
                return

    async def _run(self, kuerzel: str) -> None:
        """One run to its end, however often it has to be asked for; then the list that it holds, if any."""
        deadline = time.monotonic() + LONG
        run: Json = {}
        while run.get("state") != "done":
            if time.monotonic() > deadline:
                raise StepFailedError(f"no run of {kuerzel} ends well: {run}")
            try:
                run = await self.day.sync(kuerzel)
            except AWAY as error:
                run = {"reason": str(error)}
            if str(run.get("reason", "")).count("Entscheidung") or run.get("state") == "waiting":
                self.released += 1
                await asyncio.to_thread(command, self._world.office, "quarantine", "release", kuerzel)
            elif run.get("state") != "done":
                await asyncio.sleep(1.0)

    async def _writes(self) -> int:
        """Of ours, to events and Termine."""
        ours = await self.day.google("GET", "/_sandbox/calls/count?path=/events(/[a-v0-9_]%2B)?$")
        url = f"{self._world.addresses.advoware_url}/_sandbox/calls/count?path=/Termine"
        async with self.day.session.get(url) as answer:
            desk = await answer.json()
        return int(ours["writes"]) + int(desk["writes"])

    async def changes_of(self, frnr: int) -> list[dict[str, Any]]:
        """All that was stored for one Termin, by whom and when."""
        url = f"{self._world.addresses.advoware_url}/_sandbox/changes?record={frnr}"
        async with self.day.session.get(url) as answer:
            rows: list[dict[str, Any]] = (await answer.json())["changes"]
        return rows


def at_desk(values: View) -> Json:
    """In the names of Advoware's Termine."""
    body: Json = {name: values[ours] for ours, name in (("title", "text"), ("place", "ort")) if ours in values}
    if "time" in values:
        at = datetime.fromisoformat(values["time"])
        body |= {"datum": at.isoformat(), "uhrzeitBis": f"{at + timedelta(hours=1):%H:%M:%S}"}
    return body


def on_phone(values: View) -> Json:
    """In the names of Google's events."""
    body: Json = {name: values[ours] for ours, name in (("title", "summary"), ("place", "location")) if ours in values}
    if "time" in values:
        at = datetime.fromisoformat(values["time"])
        times = (("start", at), ("end", at + timedelta(hours=1)))
        body |= {name: {"dateTime": value.isoformat(), "timeZone": ZONE} for name, value in times}
    return body


def desk_view(row: Json) -> View:
    """What the desk shows; `end` is never typed alone."""
    end = f"{row['datum'][:11]}{row['uhrzeitBis'][:5]}"
    return {"title": row["text"], "place": row["ort"], "time": row["datum"][:16], "end": end}


def phone_view(event: Json) -> View:
    """What the phone shows, in Berlin."""
    start, end = (_berlin(event[name]["dateTime"]) for name in ("start", "end"))
    return {"title": event["summary"], "place": event.get("location", ""), "time": start, "end": end}


def _berlin(told: str) -> str:
    return f"{datetime.fromisoformat(told).astimezone(ZoneInfo(ZONE)):%Y-%m-%dT%H:%M}"


def in_step(one: Appointment, views: dict[str, View]) -> bool:
    """True where both sides show what was typed last."""
    return views.get(DESK) == views.get(PHONE) and all(
        {value for _, value in heads} == {views[DESK][name]} for name, heads in one.heads.items()
    )
