"""A small office in memory: both remotes, our memory, and the engine between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync import Cause, Engine, EngineSettings, Outcome, Remotes
from recordsync.testing.memory import FakeLinks, FakeLocks, FakeNotifier
from recordsync.testing.remotes import FakeLeft, FakeRight
from recordsync.testing.strategies import attributes
from synckit.reconcile.plan import Side
from synckit.testing.clock import FakeClock
from synckit.testing.faults import Faults

STATE = ("syncStatus", "syncErrorMessage", "syncRetryCount", "syncNextRetry", "betnr", "advowareRowId")
STATE_TOO = ("advowareLastSync", "advowareDeletedAt", "assignedUserId")
ANNA = "user-anna"


@dataclass
class Office:
    """Everything that a test wants to look at."""

    settings: EngineSettings = field(default_factory=EngineSettings)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.faults = Faults()
        self.left = FakeLeft(
            self.clock, self.faults, attributes=(*attributes(BETEILIGTE, Side.LEFT), *STATE, *STATE_TOO)
        )
        read_only = set(attributes(BETEILIGTE, Side.RIGHT)) - set(BETEILIGTE.right_writable)
        self.right = FakeRight(self.clock, self.faults, writable=BETEILIGTE.right_writable, readable=sorted(read_only))
        self.links = FakeLinks(self.faults, clock=self.clock)
        self.locks = FakeLocks()
        self.notifier = FakeNotifier(self.faults)
        remotes = Remotes(self.left, self.right, self.links, self.locks, self.notifier, self.clock)
        self.engine = Engine(BETEILIGTE, remotes, self.settings)

    async def sync(self, record_id: str, cause: Cause | None = None) -> Outcome:
        return await self.engine.sync(record_id, cause)

    async def linked(self, record_id: str = "p1", **values: Any) -> str:
        """A person on both sides, in step. Answers the betnr; calls are forgotten."""
        told = {"lastName": "Probe", "firstName": "Paula", "assignedUserId": ANNA, **values}
        self.left.seed(record_id, **told)
        await self.sync(record_id)
        self.forget_calls()
        return self.betnr(record_id)

    def betnr(self, record_id: str = "p1") -> str:
        return str(self.left.records[record_id]["betnr"])

    def forget_calls(self) -> None:
        self.left.calls.clear()
        self.right.calls.clear()
        self.clock.advance(60)

    @property
    def calls(self) -> int:
        return len(self.left.calls) + len(self.right.calls)

    @property
    def writes(self) -> int:
        return sum(method != "read" for method, _ in (*self.left.calls, *self.right.calls))

    def party(self, record_id: str = "p1") -> dict[str, Any]:
        return self.right.records[self.betnr(record_id)]
