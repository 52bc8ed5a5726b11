"""Counts the dead letters that nobody has settled, as the command for them lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from kanzlei.deadletters.desk import TOPICS, Desk
from kanzlei.deadletters.letter import Selection
from synckit.ports import Clock


class OpenLetters:
    """`ticker.gauges.Letters`. Errors are the desk's."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def open_by_topic(self) -> Collection[tuple[str, int]]:
        """(topic of dead letters, how many are open), of all topics."""
        seen = await self._desk.see(Selection(), self._clock.now(), everything=False)
        counted = Counter(row.letter.place.topic for row in seen.rows)
        return [(topic, counted[topic]) for topic in TOPICS]
