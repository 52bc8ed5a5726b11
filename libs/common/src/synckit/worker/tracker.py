"""Acks strictly in offset order per partition, and the memory of what this process has already finished.

Faust commits past what is in flight when acks arrive out of order (faust #606): here they never do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from synckit.worker.delivery import Delivery, TopicPartition


class Entry:
    """One delivery's place in its partition. `dead`: forgotten, will be delivered again, must not be acked."""

    __slots__ = ("acked", "dead", "delivery", "done", "tracker")

    def __init__(self, delivery: Delivery, tracker: PartitionTracker) -> None:
        self.delivery = delivery
        self.tracker = tracker
        self.done = False
        self.dead = False
        self.acked = False

    def lighten(self) -> None:
        """Done, and behind one that is not: it may wait for hours, and only its place is needed."""
        self.delivery = replace(self.delivery, value=None, headers=())


class Count:
    """Of all partitions together: it is asked for several times an event, so nobody adds it up each time."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0


class PartitionTracker:
    """The deliveries of one partition in one generation, in offset order. `count` holds them while it is open."""

    __slots__ = ("_count", "_entries", "closed", "generation")

    def __init__(self, generation: int, count: Count) -> None:
        self.generation = generation
        self.closed = False
        self._count = count
        self._entries: deque[Entry] = deque()

    def add(self, delivery: Delivery) -> Entry:
        entry = Entry(delivery, self)
        self._entries.append(entry)
        self._count.taken += 1
        return entry

    def close(self) -> None:
        """Nothing of it is acked any more."""
        if not self.closed:
            self.closed = True
            # Entries stay where they are: runs that still go on hold them, and find their tracker closed.
            self._count.taken -= len(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first_at(self) -> float | None:
        """Time stamp of the first record that is not acked."""
        return self._entries[0].delivery.timestamp if self._entries and not self.closed else None

    def holds(self, delivery: Delivery) -> bool:
        known = _fingerprint(delivery)
        return any(
            entry.delivery.offset == delivery.offset and _fingerprint(entry.delivery) == known
            for entry in self._entries
        )

    def advance(self) -> int:
        """Acks what is done at the head, in order. Returns how many."""
        acked = 0
        entries = self._entries
        # Only from the head: an ack behind a gap would commit past the record in the gap, and lose it at a crash.
        while entries and entries[0].done and not self.closed:
            entry = entries.popleft()
            entry.acked = True
            self._count.taken -= 1
            entry.delivery.ack()
            acked += 1
        return acked


class Trackers:
    """The current tracker of every partition. A new generation, or a close, ends the acks of the old one."""

    def __init__(self) -> None:
        self._current: dict[TopicPartition, PartitionTracker] = {}
        self._count = Count()

    def add(self, delivery: Delivery) -> Entry:
        source = delivery.source
        tracker = self._current.get(source)
        # The same partition may come back to this worker in a later generation: its old acks would commit for another
        # one.
        if tracker is None or tracker.generation != delivery.generation:
            if tracker is not None:
                tracker.close()
            tracker = self._current[source] = PartitionTracker(delivery.generation, self._count)
        return tracker.add(delivery)

    def oldest(self) -> dict[str, float]:
        """Topic → time stamp of the oldest record handed out and not acked."""
        found: dict[str, float] = {}
        for (topic, _), tracker in self._current.items():
            # A partition's records are in the order of its log: its first one is its oldest.
            if (at := tracker.first_at) is not None:
                found[topic] = min(at, found.get(topic, at))
        return found

    @property
    def taken(self) -> int:
        """Records handed out and not acked."""
        return self._count.taken

    def close_partition(self, source: TopicPartition) -> None:
        """Its log is another one now: nothing of the old one may be acked."""
        tracker = self._current.pop(source, None)
        if tracker is not None:
            tracker.close()

    def holds(self, delivery: Delivery) -> bool:
        """This very record is here and not acked yet."""
        tracker = self._current.get(delivery.source)
        return tracker is not None and tracker.holds(delivery)

    def close(self) -> None:
        """After this no delivery handed out so far can be acked: its partition may be another worker's now."""
        for tracker in self._current.values():
            tracker.close()
        self._current.clear()


def advance(entries: Iterable[Entry]) -> int:
    """Advances every tracker that these entries belong to."""
    entries = tuple(entries)
    if len(entries) == 1:
        return entries[0].tracker.advance()
    trackers = {id(entry.tracker): entry.tracker for entry in entries}
    return sum(tracker.advance() for tracker in trackers.values())


class Completed:
    """Records finished by this process, kept across rebalances so that a redelivery costs nothing.

    Offsets are not for ever: a topic deleted and created again counts from 0. So the record's time stamp and key
    are kept with the offset, and a mismatch drops the memory of that partition.
    """

    def __init__(self, keep: int = 4096) -> None:
        self._keep = keep
        self._by_partition: dict[TopicPartition, dict[int, int]] = {}

    def remember(self, delivery: Delivery) -> None:
        offsets = self._by_partition.setdefault(delivery.source, {})
        offsets[delivery.offset] = _fingerprint(delivery)
        if len(offsets) > 2 * self._keep:
            # The newest ones stay well below the acked head: a final commit may have been refused.
            kept = sorted(offsets)[-self._keep :]
            self._by_partition[delivery.source] = {offset: offsets[offset] for offset in kept}

    def knows(self, delivery: Delivery) -> bool:
        offsets = self._by_partition.get(delivery.source)
        if offsets is None:
            return False
        known = offsets.get(delivery.offset)
        if known is None:
            return False
        if known == _fingerprint(delivery):
            return True
        self.drop(delivery.source)
        return False

    def drop(self, source: TopicPartition) -> None:
        self._by_partition.pop(source, None)

    def __len__(self) -> int:
        return sum(len(offsets) for offsets in self._by_partition.values())


def _fingerprint(delivery: Delivery) -> int:
    return hash((delivery.timestamp, delivery.key))
