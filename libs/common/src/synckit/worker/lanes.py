"""One first-in-first-out lane per key, at most one running item a lane, ready lanes served in turn. No I/O, no time."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from enum import Enum

from synckit.worker.ports import Cancellable
from synckit.worker.tracker import Entry


class LaneState(Enum):
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"
    EARLY = "early"


class Item:
    """What one run completes: one entry, or several of the same key merged. The last entry is the newest.

    `bugs` counts its runs that ended in a bug, `suspect_since` how much had succeeded before the first of them.
    `waits_since`: when it was first found to be early.
    """

    __slots__ = ("attempts", "bugs", "entries", "first_started", "suspect_since", "waits_since")

    def __init__(self, entry: Entry) -> None:
        self.entries = [entry]
        self.attempts = 0
        self.first_started = 0.0
        self.bugs = 0
        self.suspect_since = 0
        self.waits_since: float | None = None

    def share_verdict(self, other: Item) -> None:
        """What is known of the bugs of `other` holds for this one."""
        self.bugs, self.suspect_since = other.bugs, other.suspect_since


class Lane:
    """The items of one key, in order. `timer` wakes it where it waits for its next try, because of `reason`."""

    __slots__ = ("items", "key", "reason", "state", "timer")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.items: deque[Item] = deque()
        self.state = LaneState.READY
        self.timer: Cancellable | None = None
        self.reason = ""

    @property
    def head(self) -> Item:
        return self.items[0]


class Lanes:
    """All lanes that have something in them."""

    def __init__(self, *, coalesce: bool) -> None:
        self._coalesce = coalesce
        self._lanes: dict[Hashable, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._held: dict[Hashable, Lane] = {}
        self._from_end = False
        self.items = 0
        self.early = 0

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """Lanes whose head is to be tried again."""
        return sum(lane.state in _WAITS for lane in self._lanes.values())

    @property
    def held(self) -> int:
        """Lanes whose head met a bug that may be ours, and not its record's."""
        return len(self._held)

    def put(self, key: Hashable, entry: Entry) -> None:
        """To the end of its lane; merged into the last item there that is not running, where that is wanted."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
            self._add(lane, entry)
            self._ready.append(lane)
        elif self._coalesce and not (lane.state is LaneState.RUNNING and len(lane.items) == 1):
            # Safe to merge, for an event says only "look at this record": one look that starts after both answers both.
            lane.items[-1].entries.append(entry)
        else:
            self._add(lane, entry)
        if lane.state is LaneState.EARLY:
            self._recall(lane)  # what has come may be due

    def _add(self, lane: Lane, entry: Entry) -> None:
        lane.items.append(Item(entry))
        self.items += 1

    def start_next(self) -> Lane | None:
        """The ready lane that has waited longest, now running its head; None where nothing is ready."""
        if not self._ready:
            return None
        lane = self._ready.popleft()
        lane.state = LaneState.RUNNING
        return lane

    def start_probe(self) -> Lane | None:
        """As `start_next`, the newest and the oldest in turn: a crowd of bad records lies side by side."""
        self._from_end = not self._from_end
        if self._from_end:
            self._ready.rotate(1)
        return self.start_next()

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def finish(self, lane: Lane) -> None:
        """The head of a running lane is over, whatever came of it."""
        lane.items.popleft()
        self.items -= 1
        if lane.items:
            self._make_ready(lane)
        else:
            del self._lanes[lane.key]

    def hold(self, lane: Lane, timer: Cancellable, reason: str) -> None:
        """A running lane waits for its head's next try."""
        lane.state = LaneState.WAITING
        lane.timer, lane.reason = timer, reason

    def merge_next(self, lane: Lane) -> bool:
        """The item behind the head goes into it, where that is wanted and there is one: True where it did."""
        if not self._coalesce or len(lane.items) < 2:
            return False
        lane.head.entries.extend(lane.items[1].entries)
        del lane.items[1]
        self.items -= 1
        return True

    def put_off(self, lane: Lane, timer: Cancellable) -> None:
        """A running lane's head is not due yet. It costs its key's place and none of those that are worked on."""
        lane.state = LaneState.EARLY
        lane.timer, lane.reason = timer, "not_before"
        self.early += 1

    def suspend(self, lane: Lane, timer: Cancellable) -> None:
        """A running lane is held because of a bug, until `release`, or until its timer has it tried again."""
        lane.state = LaneState.HELD
        lane.timer, lane.reason = timer, "bug"
        self._held[lane.key] = lane

    def release(self) -> None:
        """Another record has succeeded: whatever is held is tried once more, first of all, and its bug is its own."""
        held = list(self._held.values())
        for lane in held:
            self._recall(lane)
        self._ready.rotate(len(held))

    def put_first(self, lane: Lane) -> None:
        """A running lane is ready again, before all others: it was started before them."""
        lane.state = LaneState.READY
        self._ready.appendleft(lane)

    def wake(self, lane: Lane) -> None:
        """The timer's call. A lane that was forgotten meanwhile stays forgotten."""
        if lane.state in _WAITS and self._lanes.get(lane.key) is lane:
            self._recall(lane)

    def recall(self, reason: str | None = None) -> None:
        """None waits for its next try any more, or none of those that wait because of `reason`; bugs stay held.

        All that is ready is served in the order of its delivery.
        """
        for lane in self._lanes.values():
            if lane.state is LaneState.WAITING and reason in (None, lane.reason):
                self._recall(lane)
        self._ready = deque(sorted(self._ready, key=lambda lane: lane.head.entries[0].delivery.timestamp))

    def forget_all_but_running(self) -> Iterator[Entry]:
        """Empties all lanes but for the items that run, and gives back what was taken out."""
        self._ready.clear()
        self._held.clear()
        self.early = 0
        for lane in list(self._lanes.values()):
            running = lane.state is LaneState.RUNNING
            kept = lane.items.popleft() if running else None
            for item in lane.items:
                yield from item.entries
            self.items -= len(lane.items)
            lane.items.clear()
            if lane.timer is not None:
                lane.timer.cancel()
                lane.timer = None
            if kept is None:
                del self._lanes[lane.key]
            else:
                lane.items.append(kept)

    def _recall(self, lane: Lane) -> None:
        if lane.timer is not None:
            lane.timer.cancel()
        lane.timer = None
        self.early -= lane.state is LaneState.EARLY
        self._held.pop(lane.key, None)
        self._make_ready(lane)

    def _make_ready(self, lane: Lane) -> None:
        lane.state = LaneState.READY
        self._ready.append(lane)


_WAITS = frozenset({LaneState.WAITING, LaneState.HELD, LaneState.EARLY})
