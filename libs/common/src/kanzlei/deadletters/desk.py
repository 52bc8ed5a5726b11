"""Reads all dead letters with what became of them, sends them again, settles them: the edge of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kanzlei.deadletters.decide import Listed, Redrive, Settled, State, in_original_order, listed, looked_at, redrive
from kanzlei.deadletters.letter import Letter, Selection, letter
from kanzlei.deadletters.table import Key, key_of
from kanzlei.topics import SOURCE_TOPICS, WEBHOOK_INGRESS_DLQ
from synckit.events import Record, dead_letter_topic
from synckit.kafka.scan import Bounds, Scanned

TOPICS = (*map(dead_letter_topic, SOURCE_TOPICS), WEBHOOK_INGRESS_DLQ)
BATCH = 100
REDRIVEN, DROPPED = "redriven", "dropped"


class Scanner(Protocol):
    """`synckit.kafka.scan.TopicScanner`."""

    async def scan(self, topics: Sequence[str], bounds: Bounds) -> Scanned: ...


class Publishing(Protocol):
    """The part of `ports.Publisher` that is needed here; acknowledged by the broker when it returns."""

    async def publish(self, topic: str, records: Sequence[Record]) -> None: ...


class Table(Protocol):
    """`kanzlei.deadletters.table.SettledLetters`."""

    async def settled(self) -> dict[Key, Settled]: ...
    async def settle(self, letters: Sequence[Letter], how: str, who: str) -> None: ...
    async def looks(self, ids: Sequence[str]) -> dict[tuple[str, str], datetime]: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Letters in the order of their topics. `left` records were not reached in time: the list is not whole."""

    rows: tuple[Listed, ...]
    left: int = 0


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many went, and which did not, each with its reason in German."""

    sent: int
    refused: tuple[tuple[Letter, str], ...]


class Desk:
    """Errors are those of scanner, publisher and pool."""

    def __init__(self, scanner: Scanner, publisher: Publishing, settled: Table) -> None:
        self._scanner = scanner
        self._publisher = publisher
        self._table = settled

    async def see(self, selection: Selection, now: datetime, *, everything: bool) -> Seen:
        """The open ones of a selection; `everything`: overtaken and settled ones too."""
        scanned = await self._scanner.scan(TOPICS, Bounds())
        chosen = [one for one in map(letter, scanned.found) if selection.has(one, now)]
        settled = await self._table.settled()
        looks = await self._table.looks([one.key for one in chosen])
        rows = (listed(one, settled.get(key_of(one)), looked_at(one, looks)) for one in chosen)
        return Seen(tuple(row for row in rows if everything or row.state is State.OPEN), scanned.left)

    async def send_again(
        self, rows: Sequence[Listed], now: datetime, who: str, told: Callable[[int], None]
    ) -> Redriven:
        """In the original order of each key. A batch is acknowledged first and settled then: what is cut off in
        between goes twice, which is a look too many; the other way round it would be lost.
        """
        letters = in_original_order(row.letter for row in rows)
        planned = [(one, redrive(one, now)) for one in letters]
        going = [(one, plan) for one, plan in planned if plan.record is not None]
        for start in range(0, len(going), BATCH):
            batch = going[start : start + BATCH]
            for topic, records in _by_topic(plan for _, plan in batch):
                await self._publisher.publish(topic, records)
            await self._table.settle([one for one, _ in batch], REDRIVEN, who)
            told(start + len(batch))
        return Redriven(len(going), tuple((one, plan.refusal) for one, plan in planned if plan.refusal))

    async def drop(self, rows: Sequence[Listed], who: str) -> None:
        """They are read by nobody any more; Kafka keeps them as long as it does."""
        if rows:
            await self._table.settle([row.letter for row in rows], DROPPED, who)


def _by_topic(plans: Iterable[Redrive]) -> list[tuple[str, list[Record]]]:
    found: dict[str, list[Record]] = {}
    for plan in plans:
        if plan.record is not None:
            found.setdefault(plan.topic, []).append(plan.record)
    return list(found.items())
