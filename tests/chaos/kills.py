"""Script 2: what is done to processes and remotes. Seeded; only what this run started is touched, by name and pid."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.local.table import INGRESS, TICKER
from tests.chaos.aimed import Aimed
from tests.chaos.calendar_blows import CalendarBlows
from tests.chaos.calendars import Calendars
from tests.chaos.changes import People
from tests.chaos.fields import Side
from tests.chaos.forgetful import Forgetful
from tests.chaos.oracle import Finding
from tests.chaos.times import Times
from tests.chaos.topic import Topic
from tests.chaos.world import World

SHARES = {
    "kill-worker": 12,
    "kill-ingress": 6,
    "kill-ticker": 4,
    "kill-kafka": 6,
    "kill-postgres": 6,
    "kill-redis": 6,
    "freeze-worker": 8,
    "freeze-ingress": 2,
    "freeze-ticker": 2,
    "freeze-server": 2,
    "rolling-restart": 3,
    "leave-and-join": 4,
    "remote-timeout-after": 8,
    "remote-5xx": 6,
    "remote-resets": 5,
    "remote-slow": 4,
    "token-death": 4,
    "desk-open": 3,
    "kill-after-post": 6,
    "kill-after-put": 6,
    "freeze-in-a-sync": 3,
    "slow-head": 3,
    "redis-forgets": 5,
    "postgres-forgets": 4,
    "move-redis": 3,
    "move-postgres": 3,
    "clocks-apart": 6,
    "lying-times": 4,
    "poison": 3,
    "purge": 3,
    "kill-calendar": 5,
    "kill-after-insert": 4,
    "google-5xx": 4,
    "google-resets": 4,
    "google-tokens": 3,
}
STAGED = frozenset({"redis-forgets", "postgres-forgets", "move-redis", "move-postgres", "clocks-apart"})
"""Servers that may move, and clocks that may be off, are needed for these."""
AIMED_AT = {
    "acks-in-order": "slow-head",
    "intents": "kill-after-post",
    "fence": "freeze-in-a-sync",
    "growing-fences": "postgres-forgets",
}
"""The blow against which a safety is there."""
GROUPS = {
    "workers": ("kill-worker", "freeze-worker", "rolling-restart", "leave-and-join"),
    "others": ("kill-ingress", "kill-ticker", "freeze-ingress", "freeze-ticker"),
    "servers": ("kill-kafka", "kill-postgres", "kill-redis", "freeze-server"),
    "topic": ("poison", "purge"),
    "memory": ("postgres-forgets", "redis-forgets"),
    "times": ("lying-times",),
    "calendar": ("kill-calendar",),
    "google": ("google-5xx", "google-resets", "google-tokens"),
    "remotes": ("remote-timeout-after", "remote-5xx", "remote-resets", "remote-slow", "token-death", "desk-open"),
}
"""Misfortunes seldom come alone: two of different groups may strike at once."""
MEMORY = {"memory"}
AT_ONCE = 0.6
REACH = 6
"""So many blows back one is looked for that another may join."""
SERVERS = ("kafka", "postgres", "redis")
CALM_AFTER = 60.0
"""Seconds that the script waits for everything to be caught up before it goes on all the same."""


@dataclass
class Kill:
    """One blow. `over` is when the thing was let be again: restarted, thawed, mended. All times are Unix seconds."""

    number: int
    kind: str
    what: str
    at: float
    over: float = 0.0
    together: bool = False
    caught_up: float | None = None
    findings: list[Finding] = field(default_factory=list)


class Killer:
    """`kills` grows as it goes."""

    def __init__(self, world: World, people: People, calendars: Calendars, seed: int) -> None:
        self._world = world
        self._people = people
        self._chance = random.Random(f"{seed}:kills")
        self._aimed = Aimed(world, people, self._chance)
        self._forgetful = Forgetful(world, people, self._chance)
        self._times = Times(world, people, self._chance)
        self._topic = Topic(world, people, self._chance)
        self._calendar = CalendarBlows(world, calendars, self._chance)
        self.kills: list[Kill] = []

    def plan(self, count: int, only: tuple[str, ...] = ()) -> list[str]:
        """The kinds in their order. With `only`: those, again and again."""
        if only:
            return [only[number % len(only)] for number in range(count)]
        shares = {kind: share for kind, share in SHARES.items() if self._possible(kind)}
        return self._chance.choices(list(shares), list(shares.values()), k=count)

    def in_pairs(self, kinds: list[str]) -> list[tuple[str, ...]]:
        """The same kinds; often two of them strike at once."""
        found: list[tuple[str, ...]] = []
        for kind in kinds:
            places = range(len(found) - 1, max(-1, len(found) - 1 - REACH), -1)
            alone = (place for place in places if len(found[place]) == 1 and self._may_meet(found[place][0], kind))
            partner = next(alone, None) if self._chance.random() < AT_ONCE else None
            if partner is None:
                found.append((kind,))
            else:
                found[partner] = (found[partner][0], kind)
        return found

    async def strike(self, *kinds: str) -> list[Kill]:
        """One blow, or two at once, to the end; waits until what was typed before is on both sides."""
        kills = await asyncio.gather(*(self._blow(kind) for kind in kinds))
        over = max(kill.over for kill in kills)
        for kill in kills:
            kill.over, kill.together = over, len(kills) > 1
        await self._until_caught_up(kills)
        return kills

    @staticmethod
    def _may_meet(one: str, other: str) -> bool:
        groups = [{name for name, kinds in GROUPS.items() if kind in kinds} for kind in (one, other)]
        if MEMORY in groups and groups[0] != groups[1]:
            return {"workers"} in groups  # Any other one would do something to the very same servers.
        return all(groups) and groups[0] != groups[1]

    async def _blow(self, kind: str) -> Kill:
        blows: dict[str, Callable[[Kill], Awaitable[None]]] = {
            "kill-worker": self._kill_worker,
            "kill-ingress": lambda kill: self._kill_service(kill, INGRESS.name),
            "kill-ticker": lambda kill: self._kill_service(kill, TICKER.name),
            "kill-kafka": lambda kill: self._kill_server(kill, "kafka"),
            "kill-postgres": lambda kill: self._kill_server(kill, "postgres"),
            "kill-redis": lambda kill: self._kill_server(kill, "redis"),
            "freeze-worker": lambda kill: self._freeze(kill, self._worker()),
            "freeze-ingress": lambda kill: self._freeze(kill, INGRESS.name),
            "freeze-ticker": lambda kill: self._freeze(kill, TICKER.name),
            "freeze-server": lambda kill: self._freeze(kill, self._chance.choice(SERVERS)),
            "rolling-restart": self._rolling_restart,
            "leave-and-join": self._leave_and_join,
            "remote-timeout-after": self._timeout_after,
            "remote-5xx": self._storm,
            "remote-resets": self._resets,
            "remote-slow": self._slow,
            "token-death": self._token_death,
            "desk-open": self._desk_open,
            "kill-after-post": self._after_post,
            "kill-after-put": self._after_put,
            "freeze-in-a-sync": self._in_a_sync,
            "slow-head": self._slow_head,
            "redis-forgets": self._redis_forgets,
            "postgres-forgets": self._postgres_forgets,
            "move-redis": lambda kill: self._move(kill, "redis"),
            "move-postgres": lambda kill: self._move(kill, "postgres"),
            "clocks-apart": self._clocks_apart,
            "lying-times": self._lying_times,
            "poison": self._poison,
            "purge": self._purge,
            "kill-calendar": lambda kill: self._struck(kill, self._calendar.kill()),
            "kill-after-insert": lambda kill: self._struck(kill, self._calendar.kill_after_insert()),
            "google-5xx": lambda kill: self._struck(kill, self._calendar.answers_5xx()),
            "google-resets": lambda kill: self._struck(kill, self._calendar.loses_answers()),
            "google-tokens": lambda kill: self._struck(kill, self._calendar.tokens_die()),
        }
        kill = Kill(len(self.kills) + 1, kind, "", time.time())
        self.kills.append(kill)
        await blows[kind](kill)
        kill.over = kill.over or time.time()
        return kill

    def _possible(self, kind: str) -> bool:
        return kind not in ("leave-and-join", "freeze-in-a-sync") or len(self._world.workers) > 1

    def _worker(self) -> str:
        return self._chance.choice(self._world.workers)

    async def _until_caught_up(self, kills: list[Kill]) -> None:
        over = kills[0].over
        deadline = time.time() + CALM_AFTER
        while time.time() < deadline:
            # What was typed a moment ago has to be known: the next blow must not be counted as this one's.
            if not (await self._world.observe()).outstanding(over):
                for kill in kills:
                    kill.caught_up = max(0.0, time.time() - over)
                return
            await asyncio.sleep(0.25)

    # -- processes -----------------------------------------------------------------------------------------------

    async def _kill_worker(self, kill: Kill) -> None:
        """One, or now and then all of them at once."""
        names = self._world.workers if self._chance.random() < 0.25 else [self._worker()]
        kill.what = ", ".join(names)
        await asyncio.gather(*(self._world.kill(name) for name in names))
        await self._pause(0.3, 5.0)
        kill.over = time.time()
        await asyncio.gather(*(self._world.back(name) for name in names))

    async def _kill_service(self, kill: Kill, name: str) -> None:
        kill.what = name
        await self._world.kill(name)
        await self._pause(0.3, 5.0)
        kill.over = time.time()
        await self._world.back(name)

    async def _kill_server(self, kill: Kill, name: str) -> None:
        seconds = self._rather_short(1.0, 20.0)
        kill.what = f"{name} for {seconds:.0f} s"
        await self._world.kill(name)
        await asyncio.sleep(seconds)
        await self._world.back(name)
        kill.over = time.time()

    async def _freeze(self, kill: Kill, name: str, low: float = 5.0, high: float = 40.0) -> None:
        """SIGSTOP, SIGCONT. A server is silent for no longer than it may be away."""
        seconds = self._rather_short(low, 20.0 if name in SERVERS else high)
        kill.what = f"{name} for {seconds:.0f} s"
        with self._frozen(name):
            await asyncio.sleep(seconds)
        kill.over = time.time()

    @contextmanager
    def _frozen(self, name: str) -> Iterator[None]:
        self._world.office.freeze(name)
        try:
            yield
        finally:
            self._world.office.thaw(name)

    async def _rolling_restart(self, kill: Kill) -> None:
        kill.what = "all workers in turn"
        for name in self._world.workers:
            self._world.down.add(name)
            await asyncio.to_thread(self._world.office.stop_process, name)
            await self._world.back(name)
        kill.over = time.time()

    async def _leave_and_join(self, kill: Kill) -> None:
        kill.what = name = self._world.workers[-1]
        self._world.down.add(name)
        await asyncio.to_thread(self._world.office.stop_process, name)
        await self._pause(1.0, 10.0)
        kill.over = time.time()
        await self._world.back(name)

    # -- remotes -------------------------------------------------------------------------------------------------

    async def _timeout_after(self, kill: Kill) -> None:
        """The write is done, and its answer never comes."""
        side = self._side(kill)
        match = {"method": self._chance.choice(("POST", "PUT"))}
        kill.what += f" {match['method']}"
        await self._with_fault(
            side, {"kind": "timeout_after", "seconds": 30}, self._chance.uniform(4, 12), match, times=4
        )

    async def _storm(self, kill: Kill) -> None:
        side, seconds = self._side(kill), self._rather_short(3.0, 20.0)
        status = self._chance.choice((500, 502, 503, 504))
        kill.what += f" {status} for {seconds:.0f} s"
        fault = {"kind": "html" if status == 502 else "status", "status": status}
        await self._with_fault(side, fault, seconds, probability=self._chance.choice((0.5, 1.0)))

    async def _resets(self, kill: Kill) -> None:
        side, seconds = self._side(kill), self._rather_short(3.0, 12.0)
        kind = self._chance.choice(("reset_before", "reset_after"))
        kill.what += f" {kind} for {seconds:.0f} s"
        await self._with_fault(side, {"kind": kind}, seconds, probability=0.4)

    async def _slow(self, kill: Kill) -> None:
        side, seconds = self._side(kill), self._rather_short(5.0, 15.0)
        kill.what += f" for {seconds:.0f} s"
        await self._with_fault(side, {"kind": "slow", "seconds": 1.0}, seconds, probability=0.5)

    async def _token_death(self, kill: Kill) -> None:
        kill.what = "all tokens"
        await self._world.ask(Side.ADVO, "POST", "/_sandbox/tokens/kill")
        kill.over = time.time()

    async def _desk_open(self, kill: Kill) -> None:
        """A person has a record open at a desk: the API's writes are refused with 409."""
        known = self._chance.choice(self._people.linked())
        record = self._world.history.records[known.key]
        kill.what = known.key
        body = {"betNr": int(record.betnr or 0)}
        await self._world.ask(Side.ADVO, "POST", "/_sandbox/desk/open", body)
        await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
        await self._pause(2.0, 10.0)
        await self._world.ask(Side.ADVO, "POST", "/_sandbox/desk/close", body)
        kill.over = time.time()

    def _side(self, kill: Kill) -> Side:
        side = self._chance.choice(list(Side))
        kill.what = side.value
        return side

    async def _with_fault(
        self,
        side: Side,
        fault: Mapping[str, object],
        seconds: float,
        match: dict[str, str] | None = None,
        **limits: object,
    ) -> None:
        """Hits our services only; people's saves have a way of their own."""
        rule = await self._world.fault(side, fault, match=match or {}, **limits)
        await asyncio.sleep(seconds)
        await self._world.mend(side, rule)

    # -- aimed ---------------------------------------------------------------------------------------------------

    async def _after_post(self, kill: Kill) -> None:
        kill.what, kill.over = await self._aimed.kill_after_post()

    async def _after_put(self, kill: Kill) -> None:
        kill.what, kill.over = await self._aimed.kill_after_put(self._chance.choice(list(Side)))

    async def _in_a_sync(self, kill: Kill) -> None:
        kill.what, kill.over = await self._aimed.freeze_in_a_sync(self._chance.uniform(20.0, 35.0))

    async def _slow_head(self, kill: Kill) -> None:
        kill.what, kill.over, kill.findings = await self._aimed.slow_head()

    # -- memory, clocks, topic -----------------------------------------------------------------------------------

    async def _redis_forgets(self, kill: Kill) -> None:
        kill.what, kill.over = await self._forgetful.redis_forgets(all_at_once=self._chance.random() < 0.5)

    async def _postgres_forgets(self, kill: Kill) -> None:
        kill.what, kill.over, kill.findings = await self._forgetful.postgres_forgets()

    async def _move(self, kill: Kill, name: str) -> None:
        kill.what, kill.over = await self._forgetful.address_moves(name, self._rather_short(2.0, 12.0))

    async def _clocks_apart(self, kill: Kill) -> None:
        kill.what, kill.over = await self._times.clocks_apart(self._rather_short(3.0, 8.0))

    async def _lying_times(self, kill: Kill) -> None:
        kill.what, kill.over = await self._times.times_lie(self._rather_short(3.0, 10.0))

    async def _poison(self, kill: Kill) -> None:
        kill.what, kill.over = await self._topic.poison()

    async def _purge(self, kill: Kill) -> None:
        kill.what, kill.over = await self._topic.purge()

    async def _struck(self, kill: Kill, blow: Awaitable[tuple[str, float]]) -> None:
        kill.what, kill.over = await blow

    def _rather_short(self, low: float, high: float) -> float:
        """Seconds. More than half are in the first third: a long trouble takes a run's time and finds no more."""
        return self._chance.triangular(low, high, low)

    async def _pause(self, low: float, high: float) -> None:
        await asyncio.sleep(self._chance.uniform(low, high))
