"""Lists that a record holds on the left and that are rows of their own on the right, written along with it.

Both are read with the record itself, so that a look costs no call more. What is agreed of a row stands in the record's
base under `prefix`; a POST has no row id yet: what it wrote must tell by itself that it was us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from synckit.engine.look import Look
from synckit.engine.notes import RELEASED
from synckit.engine.writer import Writer
from synckit.errors import StaleVersion, SyncError, TooEarly, was_refused
from synckit.ports import Attempted, Payload, PendingNote, Snapshot
from synckit.reconcile.plan import Base, Side, Value


@dataclass(frozen=True, slots=True)
class RowWork:
    """A PUT of a row, or a POST where it has no id. `left` and `right` are its base once it is written.

    `entry`: a word for what the row shall stand for, which no other row does. It holds no client data.
    """

    body: Payload
    left: Value
    right: Value
    row: str | None = None
    entry: str = ""


@dataclass(frozen=True, slots=True)
class RowNote:
    """Something a user is told. `field` and `expected`: the write that it tells of, "" where it tells of none."""

    cause: str
    text: str
    field: str = ""
    expected: Value = None


@dataclass(frozen=True, slots=True)
class ListWork:
    """What is to be done about the lists. `base`: what is agreed of all rows afterwards; `patch`: whole lists."""

    rows: Sequence[RowWork] = ()
    patch: Mapping[str, Any] = field(default_factory=dict)
    base: Base = field(default_factory=Base)
    attempted: Sequence[Attempted] = ()
    notes: Sequence[RowNote] = ()
    held: str = ""

    @property
    def is_empty(self) -> bool:
        """True where neither side is written."""
        return not (self.rows or self.patch or self.held)


class ListMapping(Protocol):
    """The pure part: what the lists mean, and what is to be done."""

    prefix: str

    def came_true(
        self, base: Base, attempted: Sequence[Attempted], left: Payload, right: Payload
    ) -> Sequence[Attempted]:
        """Which announced writes the sides show."""

    def decide(self, base: Base, left: Payload, right: Payload, *, confirmed: bool) -> ListWork: ...

    def with_row(self, right: Payload, row: Payload) -> Payload:
        """The record's payload with this row as it is now."""

    def row_id(self, row: Payload) -> str: ...

    def as_seen(self, right: Payload) -> Base:
        """What the ticker holds against the remote's list to find rows that a desk touched; empty where unknown."""

    def left_is_as_agreed(self, base: Base, left: Payload) -> bool:
        """True where the lists hold what is agreed of all rows, no more and no less."""


class RowStore(Protocol):
    """The rows of a record, written one by one."""

    async def write(self, record_id: str, row: str | None, body: Payload) -> Payload:
        """PUT, or POST where there is no row yet. Answers the row as it was stored, with its id."""


class Companion:
    """Carries list work out, between the record's own write on the right and that on the left."""

    def __init__(self, lists: ListMapping, rows: RowStore) -> None:
        self._lists = lists
        self._rows = rows

    def resume(self, look: Look) -> Sequence[Attempted]:
        """What an earlier look wrote counts as agreed, and is announced along with the next writes."""
        left, right = look.pair()
        done = self._lists.came_true(look.base, look.state.attempted, left.payload, right.payload)
        posted = (each for each in look.state.attempted if each.at is not None)
        look.attempted.update({each.field: each for each in (*posted, *done)})
        look.base = Base(
            {**look.base.left, **{each.field: each.left for each in done}},
            {**look.base.right, **{each.field: each.right for each in done}},
        )
        return done

    def decide(self, look: Look) -> ListWork:
        """What is to be done, as both sides stand."""
        left, right = look.pair()
        confirmed = RELEASED in look.state.notes
        return self._lists.decide(look.base, left.payload, right.payload, confirmed=confirmed)

    def plan(self, look: Look, now: datetime, timeout: timedelta) -> ListWork:
        """As `decide`. TooEarly where an earlier POST of an entry may still arrive: it would stand twice."""
        work = self.decide(look)
        sent = {each.field: each.at for each in look.state.attempted if each.at is not None}
        under_way = [at + timeout for each in work.rows if (at := sent.get(self._post_of(each))) is not None]
        wait = (max(under_way, default=now) - now).total_seconds()
        if wait > 0:
            raise TooEarly("advoware", "an earlier POST of a row may still arrive", retry_after=wait)
        return work

    def left_is_as_agreed(self, base: Base, left: Snapshot) -> bool:
        """Whether the left side alone gives any reason to look further."""
        return self._lists.left_is_as_agreed(base, left.payload)

    def notes(self, work: ListWork, marker: str, owner: str | None) -> tuple[PendingNote, ...]:
        """As notes to the record's owner."""
        side = Side.RIGHT.value
        return tuple(
            PendingNote(n.cause, n.text, marker, owner, n.field, side if n.field else "", n.expected)
            for n in work.notes
        )

    async def write(self, writer: Writer, look: Look, work: ListWork) -> Base:
        """All rows, one after another. Answers their base, those that a POST made included."""
        left: dict[str, Value] = {}
        right: dict[str, Value] = {}
        for each in work.rows:
            _, party = look.pair()
            if each.row is None:
                stored = await self._post(writer, look, party.id, each)
            else:
                stored = await look.lease.during(self._rows.write(party.id, each.row, each.body))
            look.right_writes += 1
            look.touched = True
            look.right = replace(party, payload=self._lists.with_row(party.payload, stored))
            name = self._lists.prefix + self._lists.row_id(stored)
            left[name], right[name] = each.left, each.right
            writer.journal(look, "write", field=name, side=Side.RIGHT.value, rule="list", after=repr(each.right))
        return Base(left, right)

    async def _post(self, writer: Writer, look: Look, record_id: str, work: RowWork) -> Payload:
        """Nothing can be deleted there: who finds that one was sent waits for it before another one is."""
        name, now = self._post_of(work), look.clock.now()
        look.attempted[name] = Attempted(name, Side.RIGHT.value, work.left, work.right, now)
        await writer.announce(look, (), tuple(look.attempted.values()))

        async def sent() -> Payload:
            try:
                return await self._rows.write(record_id, None, work.body)
            except SyncError as error:
                if was_refused(error):
                    del look.attempted[name]
                    with suppress(SyncError):
                        left = tuple(look.attempted.values())
                        await writer.remotes.links.announce(look.left_id, (), left, look.state.fence)
                raise

        stored = await look.lease.during(sent())
        del look.attempted[name]
        return stored

    def _post_of(self, work: RowWork) -> str:
        """As what the POST of this entry is announced: it has no row id yet."""
        return f"{self._lists.prefix}+{work.entry}"

    async def is_overtaken(self, writer: Writer, look: Look, work: ListWork) -> bool:
        """Reads the left once more where a list of it is to be written: a PUT replaces the whole list.

        True where a person has changed such a list since: the PUT would take that back, and nobody would know.
        """
        if not work.patch:
            return False
        planned, _ = look.pair()
        look.left = await writer.remotes.left.read(look.left_id)
        if look.left is None:
            raise StaleVersion("the record went while it was synced")
        return any(look.left.payload.get(name) != planned.payload.get(name) for name in work.patch)

    def so_far(self, look: Look, written: Base) -> Base:
        """The record's base where the rows were written, and no list on the left."""
        return Base({**look.base.left, **written.left}, {**look.base.right, **written.right})

    def agreed(self, look: Look, work: ListWork, written: Base) -> Base:
        """The record's base with that of its rows in place of what was there."""
        left, right = self._others(look.base.left), self._others(look.base.right)
        rows = Base({**work.base.left, **written.left}, {**work.base.right, **written.right})
        return self._with_sight(look, Base({**left, **rows.left}, {**right, **rows.right}))

    def seen(self, look: Look) -> Base:
        """The record's base where nothing was done about the rows, but they were looked at."""
        return self._with_sight(look, look.base)

    def _with_sight(self, look: Look, base: Base) -> Base:
        seen = self._lists.as_seen(look.pair()[1].payload)
        return Base({**base.left, **seen.left}, {**base.right, **seen.right})

    def _others(self, part: Mapping[str, Value]) -> dict[str, Value]:
        return {name: value for name, value in part.items() if not name.startswith(self._lists.prefix)}
