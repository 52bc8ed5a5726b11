"""What people did about dead letters, in PostgreSQL: Kafka can't delete one record. Schema `office`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from kanzlei.deadletters.decide import Settled
from kanzlei.deadletters.letter import Letter
from synckit.postgres.pool import PostgresPool

KEPT_DAYS = 180
"""Twice as long as Kafka keeps the letters themselves."""
Key = tuple[str, int, int, int]
"""Topic, partition, offset, milliseconds: a cluster that was made anew gives its offsets out again."""


def key_of(letter: Letter) -> Key:
    """What names a letter for ever."""
    return (letter.place.topic, letter.place.partition, letter.place.offset, int(letter.at.timestamp() * 1000))


class SettledLetters:
    """Errors are the pool's."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def settled(self) -> dict[Key, Settled]:
        """Everything that is kept."""
        rows = await self._pool.fetch(
            "SELECT topic, partition, record_offset, buried_ms, how, who, settled_at FROM office.dead_letter"
        )
        return {
            (row["topic"], row["partition"], row["record_offset"], row["buried_ms"]): Settled(
                row["how"], row["who"], row["settled_at"]
            )
            for row in rows
        }

    async def settle(self, letters: Sequence[Letter], how: str, who: str) -> None:
        """Again is fine: who was first stays named. Forgets what Kafka has forgotten long ago."""
        topics, partitions, offsets, buried = zip(*map(key_of, letters), strict=True)
        await self._pool.fetch(
            "WITH old AS (DELETE FROM office.dead_letter WHERE settled_at < now() - make_interval(days => $7)) "
            "INSERT INTO office.dead_letter (topic, partition, record_offset, buried_ms, how, who) "
            "SELECT t, p, o, b, $5, $6 FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS x(t, p, o, b) "
            "ON CONFLICT DO NOTHING",
            list(topics),
            list(partitions),
            list(offsets),
            list(buried),
            how,
            who,
            KEPT_DAYS,
            writes=True,
        )

    async def looks(self, ids: Iterable[str]) -> dict[tuple[str, str], datetime]:
        """(noun, id) → when a look last ended well, of those that are remembered."""
        rows = await self._pool.fetch(
            "SELECT entity, left_id, looked_at FROM link WHERE left_id = ANY($1::text[]) AND looked_at IS NOT NULL",
            sorted(set(ids)),
        )
        return {(row["entity"], row["left_id"]): row["looked_at"] for row in rows}
