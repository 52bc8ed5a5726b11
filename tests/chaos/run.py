"""One run from the start of its stack to the oracle's word."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from deploy.local.supervisor import StackError
from deploy.local.table import TICKER
from tests.chaos import remains
from tests.chaos.calendar_oracle import CalendarOracle, look
from tests.chaos.calendars import Calendars
from tests.chaos.changes import People
from tests.chaos.fields import Side
from tests.chaos.kills import STAGED, Kill, Killer
from tests.chaos.marked import MARKED, Marks
from tests.chaos.notes import Notes
from tests.chaos.oracle import Evidence, Finding, Oracle, as_lines, calls_of, events_without_a_look
from tests.chaos.report import Report, figures
from tests.chaos.world import World

SECONDS_A_KILL = 22.0
"""First guess; the pace of the changes follows what a kill really takes."""
CALM_LIMIT = 180.0
TURNS = 4


@dataclass(frozen=True)
class Plan:
    """`only`: these kinds of kills, again and again. `limit`: seconds to catch up, above which a kill is late.

    `marked`: the numbers of faults that are known and counted apart. `pairs`: two of `only` may strike at once.
    """

    seed: int
    changes: int
    kills: int
    workers: int
    minutes: float | None = None
    without: str | None = None
    only: tuple[str, ...] = ()
    limit: float = 30.0
    marked: tuple[str, ...] = MARKED
    pairs: bool = False

    @property
    def movable(self) -> bool:
        """Some of its blows need servers that may move and clocks that may be off."""
        return bool(self.kills) and (not self.only or bool(STAGED & set(self.only)))


class Run:
    """Use once."""

    def __init__(self, plan: Plan, state_dir: Path, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self.world = World(state_dir, plan.workers, plan.without, movable=plan.movable)
        self.people = People(self.world, plan.seed, plan.changes)
        self.calendars = Calendars(self.world, plan.seed)
        self.killer = Killer(self.world, self.people, self.calendars, plan.seed)
        self._began = 0.0
        self._unheard: list[str] = []
        self._cost: dict[str, object] = {}
        self._of_calendars: dict[str, object] = {}

    async def run(self) -> Report:
        """The whole run; the stack is gone afterwards."""
        async with self.stage():
            await self._storm()
            if self._is_found:
                return self._report([finding for kill in self.killer.kills for finding in kill.findings])
            await self.calm()
            return await self.judge()

    @property
    def _is_found(self) -> bool:
        """A blow itself has seen that the safety is out. Without that safety there may never be calm again."""
        return self._plan.without is not None and any(kill.findings for kill in self.killer.kills)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[World]:
        """The running stack, watched; gone afterwards."""
        try:
            self._tell("starting the stack")
            await self.world.start()
            self._began = time.time()
            watching = asyncio.create_task(self._watch())
            try:
                yield self.world
            finally:
                watching.cancel()
                await self.calendars.close()
        finally:
            await self.world.close()

    async def _watch(self) -> None:
        """Sees what is stored, and starts again what ended by itself."""
        while True:
            with suppress(aiohttp.ClientError, StackError, TimeoutError):
                await self.world.observe()
                await self.world.look_after()
            await asyncio.sleep(0.25)

    async def _storm(self) -> None:
        await self.people.open_the_office()
        await self.until_quiet(60.0)
        if not self.people.linked():
            raise StackError("nothing is synced even before the first kill; the logs of the stack say why")
        await self.calendars.open_the_office()
        self.calendars.start()
        kinds = self.killer.plan(self._plan.kills, self._plan.only)
        self.people.per_second = self._plan.changes / max(20.0, SECONDS_A_KILL * len(kinds))
        working = asyncio.create_task(self.people.work())
        blows = [(kind,) for kind in kinds] if self._plan.only and not self._plan.pairs else self.killer.in_pairs(kinds)
        for number, blow in enumerate(blows, start=1):
            if self._plan.minutes is not None and time.time() - self._began > 60 * self._plan.minutes:
                break
            for kill in await self.killer.strike(*blow):
                self._say(kill)
            if self._is_found:
                working.cancel()
                return
            self._keep_pace(number, len(blows))
        self.people.per_second = 50.0
        await working

    def _keep_pace(self, done: int, total: int) -> None:
        """So that the last change is made at about the time of the last kill."""
        a_kill = (time.time() - self._began + 3 * SECONDS_A_KILL) / (done + 3)
        left = a_kill * (total - done)
        self.people.per_second = min(50.0, (self._plan.changes - self.people.done) / max(5.0, left))

    def _say(self, kill: Kill) -> None:
        caught_up = "not caught up" if kill.caught_up is None else f"caught up after {kill.caught_up:.1f} s"
        at = time.time() - self._began
        caught_up += ", two at once" if kill.together else ""
        self._tell(
            f"[{kill.number:>3}/{self._plan.kills}] {at:6.0f} s  {kill.kind:<22} {kill.what:<44} {caught_up}; "
            f"{self.people.done} changes"
        )

    # -- calm ----------------------------------------------------------------------------------------------------

    async def calm(self) -> None:
        """Everything runs and nothing is wrong any more; first without the ticker, then its turn."""
        world = self.world
        for side in Side:
            await world.mend(side)
        if world.movable is not None:
            await world.set_right()
        await self.until_quiet(CALM_LIMIT)
        if self.calendars.is_open:
            await self.calendars.calm()
        world.down.add(TICKER.name)
        await asyncio.to_thread(world.office.stop_process, TICKER.name)
        await self.until_quiet(CALM_LIMIT)
        looks = await world.looks()
        self._unheard = events_without_a_look(await remains.find(world.addresses), looks, world.troubles)
        self._cost = figures(await world.whole_history(), looks, self.people.done)
        for turn in range(1, TURNS + 1):
            report = await world.ticker_once()
            self._tell(f"the ticker's turn {turn}: {_emitted(report)}")
            before = await self._writes()
            await self.until_quiet(CALM_LIMIT)
            if turn > 1 and await self._writes() == before and not (await self._left_to_do()):
                break
        await world.observe()

    async def _writes(self) -> int:
        counts = [await self.world.ask(side, "GET", "/_sandbox/calls/count") for side in Side]
        return sum(int(each["writes"]) for each in counts)

    async def _left_to_do(self) -> bool:
        left = await remains.find(self.world.addresses)
        return any(left.rows[table] for table in remains.EMPTY_TABLES)

    async def until_caught_up(self, over: float, limit: float) -> float | None:
        """Seconds from `over` until all that was typed before was on both sides; None where that takes longer."""
        while True:
            if not (await self.world.observe()).outstanding(over):
                return time.time() - over
            if time.time() > over + limit:
                return None
            await asyncio.sleep(0.1)

    async def until_quiet(self, limit: float) -> None:
        """All webhooks are out, all events acknowledged, no call is under way: three looks in a row."""
        deadline = time.time() + limit
        quiet = 0
        while quiet < 3 and time.time() < deadline:
            quiet = quiet + 1 if await self._is_quiet() else 0
            await asyncio.sleep(0.4)
        if quiet < 3:
            self._tell(f"not quiet after {limit:.0f} s")

    async def _is_quiet(self) -> bool:
        try:
            hooks = await self.world.ask(Side.ESPO, "GET", "/_sandbox/webhooks")
            if hooks["events_pending"] or hooks["queue_pending"] or await self.world.in_progress():
                return False
            return await remains.lag(self.world.addresses.kafka) == 0
        except Exception as error:
            self._tell(f"not to be seen: {type(error).__name__}")
            return False

    # -- judgement -----------------------------------------------------------------------------------------------

    def _report(self, findings: list[Finding]) -> Report:
        report = Report(self._plan.seed, self._plan.workers, self._plan.without, changes=self.people.done)
        report.seconds = time.time() - self._began
        report.by_kind = dict(self.people.by_kind)
        report.kills, report.findings = self.killer.kills, findings
        return report

    async def judge(self) -> Report:
        world = self.world
        history, looks = await world.whole_history(), await world.looks()
        told = (await world.ask(Side.ESPO, "GET", "/_sandbox/notes?type=Post"))["notes"]
        evidence = Evidence(
            history, looks, Notes(told), await remains.find(world.addresses), self._unheard, world.troubles
        )
        oracle, marks = Oracle(evidence), Marks(history, looks, world.troubles, self._plan.marked)
        found = oracle.judge() + [finding for kill in self.killer.kills for finding in kill.findings]
        if self.calendars.is_open:
            found += await self._judged_calendars()
        told_apart = [marks.marked(finding) for finding in found]
        findings = [finding for finding in told_apart if not finding.mark]
        report = self._report(findings)
        report.figures = self._cost
        report.figures["saves that fell between our read and our write"] = len(oracle.vanished)
        report.figures["longest such window s"] = round(max((v.window for v in oracle.vanished), default=0.0), 2)
        report.figures["notes"] = len(told)
        report.figures |= self._of_calendars
        report.vanished = oracle.vanished
        report.marked = [finding for finding in told_apart if finding.mark]
        for kill in self.killer.kills:
            kill.caught_up = history.caught_up_after(kill.at, kill.over)
        slowest = {
            kill.number: history.slowest_after(kill.at, kill.over)
            for kill in self.killer.kills
            if _is_late(kill, self._plan.limit)
        }
        keys = dict.fromkeys((*(finding.key for finding in told_apart if finding.key), *filter(None, slowest.values())))
        report.histories = {key: list(as_lines(history.records[key], looks)) for key in keys if key in history.records}
        for record in (history.records[key] for key in report.histories):
            report.calls[record.key] = list(calls_of(record, looks))
            report.posts[record.key] = [post for post in evidence.notes.posts if record.key in post]
        late = [(kill, slowest[kill.number]) for kill in self.killer.kills if kill.number in slowest]
        report.late = [_late(kill, key) for kill, key in late if not marks.of_late(key)]
        report.marked += [
            Finding("late", key, _late(kill, key), mark) for kill, key in late if (mark := marks.of_late(key))
        ]
        report.ended_by_themselves = world.ended_by_themselves
        report.errors_logged = dict(Counter(_errors(world.office.state_dir / "log")))
        return report

    async def _judged_calendars(self) -> list[Finding]:
        blows = [(kill.at, kill.over) for kill in self.killer.kills]
        oracle = CalendarOracle(await look(self.calendars, blows, forgot=bool(self.world.troubles.losses)))
        found = oracle.judge()
        self._of_calendars = {
            "calendars: edits": self.calendars.edits,
            "calendars: appointments": len(self.calendars.appointments),
            "calendars: saves that fell between our read and our write": oracle.vanished,
            "calendars: edits that a blow made conflicts": oracle.made_conflicts,
            "calendars: lists of deletions that a person released": self.calendars.released,
            "calendars: saves that were refused": len(self.calendars.refused),
        }
        return found


def _is_late(kill: Kill, limit: float) -> bool:
    return kill.caught_up is None or kill.caught_up > limit


def _late(kill: Kill, slowest: str) -> str:
    took = "not at all" if kill.caught_up is None else f"{kill.caught_up:.1f} s"
    return f"{kill.number} {kill.kind} {kill.what}: {took}, {slowest}"


def _emitted(report: dict[str, object]) -> str:
    looks = report.get("looks")
    told = {each["look"]: each["emitted"] for each in looks} if isinstance(looks, list) else {}
    return f"{told} {report.get('failed') or ''}"


def _errors(folder: Path) -> Iterator[str]:
    """Lines that the services themselves logged as errors: `service: event`."""
    for path in folder.glob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if not line.startswith("{"):
                if "Traceback" in line:
                    yield f"{path.stem}: traceback"
                continue
            with suppress(ValueError):
                entry = json.loads(line)
                if entry.get("level") in ("error", "critical"):
                    library = str(entry.get("logger") or "").partition(".")[0]
                    yield f"{path.stem}: {library or entry.get('event')}"
