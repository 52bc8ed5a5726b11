"""Lists that a record holds on the left and that are rows of their own on the right, written along with it.

Both are read with the record itself, so that a look costs no call more. What is agreed of a row stands in the record's
base under `prefix`; a POST has no row id yet: what it wrote must tell by itself that it was us.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from synckit.engine.look import Look
from synckit.engine.notes import RELEASED
from synckit.engine.refused import TOO_MANY, Rejection, digest, names_in, rejection
from synckit.engine.sieve import Sieve
from synckit.engine.writer import Writer
from synckit.errors import RemoteRejected, StaleVersion, SyncError, TooEarly, was_refused
from synckit.ports import Attempted, Payload, PendingNote, Snapshot
from synckit.reconcile.plan import Base, Side, Value

USUAL_LIMIT = 10
"""How many addresses or numbers a record of EspoCRM may have, unless its configuration says otherwise."""
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class RowWork:
    """A PUT of a row, or a POST where it has no id. `left` and `right` are its base once it is written.

    `entry`: a word for what the row shall stand for, which no other row does. It holds no client data.
    `label`, `value`: what a user calls it, and what is to stand there; `before`: what stands there.
    """

    body: Payload
    left: Value
    right: Value
    row: str | None = None
    entry: str = ""
    label: str = ""
    value: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class RowNote:
    """Something a user is told. `field` and `expected`: the write that it tells of, "" where it tells of none."""

    cause: str
    text: str
    field: str = ""
    expected: Value = None


@dataclass(frozen=True, slots=True)
class ListWork:
    """What is to be done about the lists. `base`: what is agreed of all rows afterwards; `patch`: whole lists.

    `incoming`: for each of these, the names of the rows that it brings something new of.
    """

    rows: Sequence[RowWork] = ()
    patch: Mapping[str, Any] = field(default_factory=dict)
    incoming: Mapping[str, Sequence[str]] = field(default_factory=dict)
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

    def decide(
        self, base: Base, left: Payload, right: Payload, *, confirmed: bool, kept_out: Collection[str] = ()
    ) -> ListWork:
        """`kept_out`: names of rows of which nothing comes to the left."""

    def about(self, base: Base, left: Payload, right: Payload, name: str, *, counted: bool = False) -> str:
        """A digest of what both sides hold of a row; `counted`: also of how many entries the left has."""

    def entry(self, base: Base, right: Payload, name: str) -> tuple[str, str]:
        """What a user calls a row, and what stands in it."""

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
        work = self._lists.decide(
            look.base, left.payload, right.payload, confirmed=confirmed, kept_out=self._kept_out(look)
        )
        return self._without_refused(look, work)

    def take(self, writer: Writer, look: Look, work: ListWork, error: RemoteRejected) -> bool:
        """A list that the left refuses is tried without some of what is new in it. False where it names none."""
        named = names_in(error, work.patch)
        for name in named:
            incoming = list(work.incoming.get(name, ()))
            if not incoming:
                return False
            items, is_full = work.patch[name], error.reason.endswith(TOO_MANY)
            fits = max(0, USUAL_LIMIT - (len(items) - len(incoming))) if is_full else 0
            sieve = look.sieves.setdefault(name, Sieve())
            before = len(sieve.refused)
            sieve.refuse(incoming, fits=fits, is_full=is_full)
            for row in sieve.refused[before:]:
                about = self._about(look, row, counted=is_full)
                look.rejections[row] = rejection(error, row, Side.LEFT, look.clock.now(), about)
            writer.refusals.stand(look, [look.rejections[row] for row in sieve.refused[before:]])
        return bool(named)

    def is_sifting(self, look: Look) -> bool:
        """After a write: True where entries are yet to be tried."""
        for sieve in look.sieves.values():
            sieve.accept()
        return any(not sieve.is_done for sieve in look.sieves.values())

    def refused(self, look: Look) -> list[tuple[Rejection, str, str]]:
        """What is kept out or left unwritten as both sides stand, with what a user calls it and its value."""
        left, right = look.pair()
        known = [look.rejections[name] for name in sorted(self._kept_out(look)) if name in look.rejections]
        out = [(each, *self._lists.entry(look.base, right.payload, each.name)) for each in known]
        work = self._lists.decide(
            look.base,
            left.payload,
            right.payload,
            confirmed=RELEASED in look.state.notes,
            kept_out=self._kept_out(look),
        )
        barred = [(self._barred_by(look, each), each) for each in work.rows]
        return out + [(known, each.label, each.value) for known, each in barred if known is not None]

    def settle(self, look: Look) -> None:
        """Refusals of a list's length are told apart by how long it has become."""
        for name in (name for sieve in look.sieves.values() for name in sieve.refused):
            known = look.rejections[name]
            if known.rule.endswith(TOO_MANY):
                look.rejections[name] = replace(known, about=self._about(look, name, counted=True))

    def _kept_out(self, look: Look) -> frozenset[str]:
        undecided = frozenset(name for sieve in look.sieves.values() for name in sieve.kept_out)
        return undecided | {
            name
            for name, known in look.rejections.items()
            if name.startswith(self._lists.prefix)
            and known.side is Side.LEFT
            and known.about == self._about(look, name, counted=known.rule.endswith(TOO_MANY))
        }

    def _about(self, look: Look, name: str, *, counted: bool) -> str:
        left, right = look.pair()
        return self._lists.about(look.base, left.payload, right.payload, name, counted=counted)

    def _barred_by(self, look: Look, work: RowWork) -> Rejection | None:
        known = look.rejections.get(self._name_of(work))
        return known if known is not None and known.about == _of_row(work) else None

    def _name_of(self, work: RowWork) -> str:
        return self._lists.prefix + work.row if work.row else self._post_of(work)

    def _without_refused(self, look: Look, work: ListWork) -> ListWork:
        """Rows that Advoware does not take stay as they are, and so does what is known of them."""
        barred = {self._name_of(each) for each in work.rows if self._barred_by(look, each)}
        if not barred:
            return work
        known = {name: (look.base.left[name], look.base.right.get(name)) for name in barred if look.base.knows(name)}
        left = {name: value for name, value in work.base.left.items() if name not in barred}
        right = {name: value for name, value in work.base.right.items() if name not in barred}
        return replace(
            work,
            rows=tuple(each for each in work.rows if self._name_of(each) not in barred),
            base=Base(
                {**left, **{name: pair[0] for name, pair in known.items()}},
                {**right, **{name: pair[1] for name, pair in known.items()}},
            ),
            attempted=tuple(each for each in work.attempted if each.field not in barred),
            notes=tuple(each for each in work.notes if each.field not in barred),
        )

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
            try:
                stored = await self._write(writer, look, party.id, each)
            except RemoteRejected as error:
                await self._refused_row(writer, look, each, error)
                continue
            look.right_writes += 1
            look.touched = True
            look.right = replace(party, payload=self._lists.with_row(party.payload, stored))
            name = self._lists.prefix + self._lists.row_id(stored)
            left[name], right[name] = each.left, each.right
            writer.journal(look, "write", field=name, side=Side.RIGHT.value, rule="list", after=repr(each.right))
        return Base(left, right)

    async def _write(self, writer: Writer, look: Look, record_id: str, work: RowWork) -> Payload:
        if work.row is None:
            return await self._post(writer, look, record_id, work)
        return await look.lease.during(self._rows.write(record_id, work.row, work.body))

    async def _refused_row(self, writer: Writer, look: Look, work: RowWork, error: RemoteRejected) -> None:
        """The other rows are written all the same. Only what says why is remembered beyond this look."""
        name, now = self._name_of(work), look.clock.now()
        known = rejection(error, name, Side.RIGHT, now, _of_row(work))
        look.rejections[name] = replace(known, is_kept=error.field is not None or error.status != BAD_REQUEST)
        look.attempted.pop(name, None)
        writer.refusals.stand(look, [look.rejections[name]])
        look.note_refusal(error)
        untrue = [note for note in look.notes if note.field == name]
        if untrue:
            with suppress(SyncError):
                await writer.take_back(look, untrue)

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
        work = self._without_refused(look, work)
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


def _of_row(work: RowWork) -> str:
    return digest(work.left, work.right, work.before)
