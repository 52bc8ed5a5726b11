"""What was wrong, judged by what both sandboxes hold and have logged. Knows the rules and not the product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.fields import Pair, Side, Value
from tests.chaos.history import History, Record, Row
from tests.chaos.looks import Looks
from tests.chaos.notes import Notes
from tests.chaos.remains import EMPTY_TABLES, Remains
from tests.chaos.rules import Edit, Ends, Story, allowed, describe
from tests.chaos.troubles import Troubles

LONGEST_WINDOW = 2.0
"""Seconds between our read and our write in which a save may be overwritten: promised nowhere, hence counted."""
KEPT_FOR_NOBODY = {"pending_note", "parked"}


@dataclass(frozen=True)
class Finding:
    """Something that must not be. `key` tells the record, "" where it is about none; `mark` the fault that is known."""

    what: str
    key: str
    text: str
    mark: str = ""


@dataclass(frozen=True)
class Vanished:
    """A save that fell between a read and a write of ours. `window` in seconds."""

    key: str
    field: str
    side: Side
    window: float


@dataclass
class Evidence:
    """All that the oracle looks at. `unheard`: events without a look after them, before the ticker's last turn."""

    history: History
    looks: Looks
    notes: Notes
    remains: Remains
    unheard: list[str]
    troubles: Troubles = field(default_factory=Troubles)


class Oracle:
    """Judges once."""

    def __init__(self, evidence: Evidence) -> None:
        self._seen = evidence
        self.vanished: list[Vanished] = []

    def judge(self) -> list[Finding]:
        """Everything that is wrong, worst first."""
        of_records = (self._twins, self._overlaps, self._lost, self._values, self._silent)
        checks = (*of_records, self._notes, self._left_over, self._dead_letters)
        return [finding for check in checks for finding in check()]

    def _records(self) -> Iterator[Record]:
        yield from self._seen.history.records.values()

    # -- records -------------------------------------------------------------------------------------------------

    def _twins(self) -> Iterator[Finding]:
        for record in self._records():
            if len(record.parties) > 1:
                yield Finding("twin", record.key, f"{len(record.parties)} parties: {', '.join(record.parties)}")
        for row in self._seen.history.strangers:
            if row.action == "create":
                yield Finding("stranger", "", f"a party that belongs to no record: {row.record}")

    def _overlaps(self) -> Iterator[Finding]:
        for record in self._records():
            for each in self._seen.looks.overlaps(record):
                if any(one.allows(record.key, each.stale.at) for one in self._seen.troubles.unlocked):
                    continue
                text = (
                    f"{each.agents[0]} wrote {each.stale.side} at {each.stale.at:.3f} what it had read at "
                    f"{each.read_at:.3f}; {each.agents[1]} wrote {each.between.side} at {each.between.at:.3f}"
                )
                yield Finding("overlap", record.key, text)

    def _lost(self) -> Iterator[Finding]:
        for record in self._records():
            if Side.ESPO in record.gone:
                continue
            status = record.state.get("syncStatus")
            if not record.parties:
                yield Finding("lost", record.key, f"not in Advoware; {status}, {record.state.get('syncErrorMessage')}")
            elif record.betnr not in record.parties:
                yield Finding("lost", record.key, f"linked to {record.betnr}, not to its party")
            wanted = "deleted_in_advoware" if Side.ADVO in record.gone else "clean"
            if status != wanted:
                message = record.state.get("syncErrorMessage") or "no message"
                yield Finding("stuck", record.key, f"{status} and not {wanted}: {message}")

    # -- values --------------------------------------------------------------------------------------------------

    def _values(self) -> Iterator[Finding]:
        for record in self._records():
            for pair in record.pairs:
                story = self._story(record, pair)
                ends = Ends(record.now.get((pair, Side.ESPO)), record.now.get((pair, Side.ADVO)))
                if _fits(ends, allowed(story), record) or _fits(ends, allowed(story, with_windows=True), record):
                    continue
                text = f"{pair.espo}: {ends.espo!r} / {ends.advo!r}, allowed: {describe(allowed(story))}"
                yield Finding("value", record.key, text)

    def _story(self, record: Record, pair: Pair) -> Story:
        typed = [
            Edit(row.at, row.side, value, may_vanish=self._fell_between(record, pair, row))
            for row, value in record.writes(pair, by_person=True)
            if row.action == "update"
        ]
        born = next(iter(record.rows)).values.get(pair.espo)
        gone_at = min(record.gone.values(), default=None)
        losses = self._seen.troubles.losses
        return Story(pair.canonical(born), typed, record.posted_at, gone_at, pair.one_way, losses)

    def _silent(self) -> Iterator[Finding]:
        """A person's value that we wrote over, although nobody was shown it, and nobody told of it."""
        for record in self._records():
            for pair in record.pairs:
                for row, value in record.writes(pair, by_person=True):
                    over = _written_over(record, pair, row)
                    if over is None or value is None or self._was_known(record, pair, row, over, value):
                        continue
                    window = self._window(record, pair, row)
                    if window is not None:
                        self.vanished.append(Vanished(record.key, pair.espo, row.side, window))
                    if window is None or window > LONGEST_WINDOW:
                        how = "" if window is None else f" in a window of {window:.1f} s"
                        text = f"{pair.espo}: {value!r}, typed in {row.side}, was overwritten without a note{how}"
                        yield Finding("silently overwritten", record.key, text)

    def _was_known(self, record: Record, pair: Pair, typed: Row, over: Row, value: Value) -> bool:
        """It has been on the other side (before it was typed, too: back to what was agreed is no change), or a note
        names it.
        """
        other = typed.side.other
        shown = {each for row, each in record.writes(pair) if row.side is other and row.at <= over.at}
        return value in shown or self._seen.notes.names(record, value)

    def _window(self, record: Record, pair: Pair, typed: Row) -> float | None:
        """Seconds from our read to our write, where the save fell between the two."""
        over = _written_over(record, pair, typed)
        if over is None:
            return None
        read_at = self._seen.looks.basis(record, over)
        return over.at - read_at if read_at is not None and read_at < typed.at else None

    def _fell_between(self, record: Record, pair: Pair, typed: Row) -> bool:
        """Between a read and our next write of that side; a further save in that window changes nothing."""
        ours = (row for row, _ in record.writes(pair) if row.side is typed.side and row.at > typed.at)
        over = next((row for row in ours if not row.by_person), None)
        read_at = self._seen.looks.basis(record, over) if over is not None else None
        return read_at is not None and read_at < typed.at

    # -- notes and what is left ----------------------------------------------------------------------------------

    def _notes(self) -> Iterator[Finding]:
        for what, key, text in self._seen.notes.wrong(self._seen.history, len(self._seen.troubles.losses)):
            yield Finding(what, key, text)

    def _left_over(self) -> Iterator[Finding]:
        remains = self._seen.remains
        for table in EMPTY_TABLES:
            for record_id in remains.rows[table]:
                if table in KEPT_FOR_NOBODY and self._has_nobody_to_tell(record_id):
                    continue
                yield Finding("left over", self._key(record_id), f"a row in {table}")
        for lock in remains.locks:
            yield Finding("left over", "", f"a lock in Redis: {lock}")
        if remains.lag:
            yield Finding("left over", "", f"{remains.lag} events are not acknowledged")
        for record_id in self._seen.unheard:
            yield Finding("event lost", self._key(record_id), "no worker looked after its last event")

    def _dead_letters(self) -> Iterator[Finding]:
        """None of what our services sent, and one of each record that was put in to poison the topic."""
        remains, poison = self._seen.remains, self._seen.troubles.poison
        for letter in (each for each in remains.dead if each.place not in poison):
            text = f"{letter.topic}: {letter.reason} {letter.message}"
            yield Finding("dead letter", self._key(letter.key), text)
        buried = {letter.place for letter in remains.dead}
        for place, kind in poison.items():
            if place not in buried:
                yield Finding("swallowed", "", f"no dead letter tells of the record {kind} at {place}")

    def _has_nobody_to_tell(self, record_id: str) -> bool:
        """Deleted in EspoCRM, and nobody's: its note is kept, and tried once a day."""
        record = self._seen.history.by_espo_id(record_id)
        return record is not None and Side.ESPO in record.gone and not record.state.get("assignedUserId")

    def _key(self, record_id: str) -> str:
        record = self._seen.history.by_espo_id(record_id)
        return record.key if record else record_id


def events_without_a_look(remains: Remains, looks: Looks, troubles: Troubles | None = None) -> list[str]:
    """Ids of records whose newest event was followed by no read of a worker: acknowledged, and never handled."""
    newest: dict[str, float] = {}
    told = troubles or Troubles()
    for event in (each for each in (*told.purged, *remains.events) if each.place not in told.poison):
        newest[event.key] = max(event.at, newest.get(event.key, 0.0))
    return [key for key, at in newest.items() if not any(read >= at - 0.001 for read in looks.looked_at(key))]


def _fits(ends: Ends, good: Iterable[Ends], record: Record) -> bool:
    """Only the side that is still there is compared."""
    if Side.ESPO in record.gone and Side.ADVO in record.gone:
        return True
    if Side.ESPO in record.gone:
        return any(ends.advo == each.advo for each in good)
    if Side.ADVO in record.gone or record.posted_at is None:
        return any(ends.espo == each.espo for each in good)
    return ends in set(good)


def _written_over(record: Record, pair: Pair, typed: Row) -> Row | None:
    """Our write that took the person's value away; None where a person did, or nobody."""
    for row, _ in record.writes(pair):
        if row.side is typed.side and row.at > typed.at:
            return None if row.by_person else row
    return None


def as_lines(record: Record, looks: Looks) -> Iterator[str]:
    """The record's whole history, for a person."""
    yield f"{record.key} ({record.kind}) EspoCRM {record.espo_id}, Advoware {', '.join(record.parties) or '-'}"
    for row in record.rows:
        who = "person" if row.by_person else looks.agent_of(row)
        told: dict[str, Any] = {name: value for name, value in row.values.items() if name not in _BORING}
        yield f"  {row.at:.3f} {row.side:<8} {row.action:<6} {who:<40} {told}"


def calls_of(record: Record, looks: Looks) -> Iterator[str]:
    """What our services asked of both sides about this record, for the JSON."""
    ids = {record.espo_id, *record.parties}
    for call in sorted(looks.calls.values(), key=lambda each: each.started):
        if call.record in ids:
            took = "never answered" if call.ended is None else f"{call.ended - call.started:.3f} s"
            yield (
                f"{call.started:.3f} {call.side:<8} {call.method:<5} {call.agent:<36} "
                f"got {call.status}, did {call.effect}, {took}"
            )


_BORING = frozenset({"modifiedAt", "modifiedById", "modifiedByName", "streamUpdatedAt", "createdAt", "createdById"})
