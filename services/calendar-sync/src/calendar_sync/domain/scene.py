"""One employee as a plan sees it: memory, both sides, rules. And the parts of which a plan is made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from calendar_sync.domain.google_form import GoogleView
from calendar_sync.domain.identity import mark_of, of_event, own_id
from calendar_sync.domain.local_time import as_wall
from calendar_sync.domain.memory import Kind, Memory, Notice, Row, State
from calendar_sync.domain.plan_value import Step
from calendar_sync.domain.sides import GONE, UNSEEN, Absent, DeskSide, GoogleSide
from calendar_sync.domain.values import Appointment, Event, Rules, Window
from kanzlei.termine import Termin

GENERATIONS = 3
CHILDREN = (Kind.EXCEPTION, Kind.OCCURRENCE)


@dataclass(frozen=True, slots=True)
class Ask:
    """What must be read by itself before a plan can be made."""

    termine: tuple[int, ...] = ()
    events: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    holders: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.termine or self.events or self.days or self.holders)


@dataclass(frozen=True, slots=True)
class Part:
    """What follows for one pair. `waiting` and `parked` are key and reason."""

    steps: tuple[Step, ...] = ()
    ask: Ask = Ask()
    waiting: tuple[tuple[str, str], ...] = ()
    parked: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()
    removed: tuple[str, ...] = ()


NOTHING = Part()


def joined(parts: Iterable[Part]) -> Part:
    """All of them as one."""
    told = list(parts)
    ask = Ask(
        tuple(dict.fromkeys(each for part in told for each in part.ask.termine)),
        tuple(dict.fromkeys(each for part in told for each in part.ask.events)),
        tuple(dict.fromkeys(each for part in told for each in part.ask.days)),
        tuple(dict.fromkeys(each for part in told for each in part.ask.holders)),
    )
    return Part(
        tuple(each for part in told for each in part.steps),
        ask,
        tuple(dict.fromkeys(each for part in told for each in part.waiting)),
        tuple(dict.fromkeys(each for part in told for each in part.parked)),
        tuple(dict.fromkeys(each for part in told for each in part.notices)),
        tuple(each for part in told for each in part.removed),
    )


@dataclass(frozen=True)
class Scene:
    """All that a plan is made from."""

    memory: Memory
    desk: DeskSide
    google: GoogleSide
    rules: Rules

    def with_rows(self, rows: Iterable[Row]) -> Scene:
        """The same, once these are remembered."""
        known = {**self.rows, **{row.key: row for row in rows}}
        return replace(self, memory=replace(self.memory, rows=tuple(known.values())))

    @property
    def kuerzel(self) -> str:
        return self.rules.kuerzel

    @property
    def now(self) -> datetime:
        return self.memory.now

    @cached_property
    def today(self) -> date:
        """In Berlin."""
        return as_wall(self.memory.now).date()

    @cached_property
    def window(self) -> Window:
        return self.rules.window(self.today)

    @cached_property
    def proving(self) -> Window:
        """Where an absence means something: the window less a day on either side."""
        return self.window.narrowed()

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        return {row.key: row for row in self.memory.rows}

    @cached_property
    def by_frnr(self) -> Mapping[int, Row]:
        return {row.frnr: row for row in self.memory.rows if row.frnr is not None}

    @cached_property
    def by_event(self) -> Mapping[str, Row]:
        return {row.event_id: row for row in self.memory.rows if row.event_id}

    @cached_property
    def by_mark(self) -> Mapping[str, Row]:
        return {row.mark: row for row in self.memory.rows if row.mark}

    @cached_property
    def children(self) -> Mapping[str, tuple[Row, ...]]:
        """Key of a series → rows of its occurrences."""
        found: dict[str, list[Row]] = {}
        for row in self.memory.rows:
            if row.parent and row.state is not State.GONE:
                found.setdefault(row.parent, []).append(row)
        return {key: tuple(rows) for key, rows in found.items()}

    @cached_property
    def claimed(self) -> Mapping[int, Event]:
        """Termine that a living event without a row names as its own: our row of them is lost."""
        found: dict[int, Event] = {}
        for event in self.google.list.items:
            mark = None if event.is_cancelled or event.id in self.by_event else mark_of(event.body)
            if mark is not None and mark.event_id == event.id and mark.frnr not in self.by_frnr:
                found[mark.frnr] = event
        return found

    @cached_property
    def lost_marks(self) -> Mapping[str, Event]:
        """Mark that an event born in Google would have left in Advoware → the event, of those without a row."""
        living = [each for each in self.google.list.items if not each.is_cancelled and each.id not in self.by_event]
        return {
            own_id(self.rules.tenant, self.kuerzel, of_event(each.id), generation): each
            for each in living
            for generation in range(GENERATIONS)
        }

    @cached_property
    def lost_marks_of(self) -> Mapping[str, str]:
        """Event's id → the mark of its that a Termin without a row carries."""
        unknown = {mark for mark in self.desk.marked if mark not in self.by_mark}
        return {event.id: mark for mark, event in self.lost_marks.items() if mark in unknown}

    def right(self, row: Row) -> GoogleView | Absent:
        """Google's side of a pair; of an occurrence that nobody changed, what its series makes of it."""
        if row.kind not in CHILDREN:
            return self._asked_tombstone(row.event_id) or self.google.view(row.event_id, row.right)
        parent = self.rows.get(row.parent)
        exception = self.google.event(row.event_id)
        if exception is None and parent is not None and row.original is not None:
            exception = self.google.exceptions.get(parent.event_id, {}).get(row.original)
        if exception is not None:
            return GONE if exception.is_cancelled else self.google.view(exception.id, row.right)
        if row.event_id in self.google.asked:
            return GONE
        master = self.google.view(parent.event_id) if parent is not None else GONE
        if not isinstance(master, GoogleView) or row.kind is Kind.EXCEPTION:
            return GONE if master is GONE else UNSEEN
        return _computed(master, row)

    def _asked_tombstone(self, event_id: str) -> Absent | None:
        """A deletion in the list is a question, too."""
        listed = self.google.items.get(event_id)
        return UNSEEN if listed and listed.is_cancelled and event_id not in self.google.asked else None

    def is_mine(self, termin: Termin) -> bool:
        """False for what was given to somebody else."""
        return self.kuerzel in (termin.values.sb, termin.values.anwalt)

    def should_be_listed(self, appointment: Appointment | None) -> bool:
        """True where a whole list of the window must show it."""
        return appointment is not None and self.proving.holds(appointment)

    def notice(self, kind: str, key: str, text: str) -> Notice:
        return Notice(kind, self.kuerzel, key, text)


def occurrence_of(master: Appointment, start: datetime) -> Appointment:
    """One occurrence as the series says."""
    return master.moved_to(start, start + (master.end - master.start))


def _computed(master: GoogleView, row: Row) -> GoogleView | Absent:
    """An occurrence that its series gives. The event has no body yet: it is read before it is written."""
    original = row.original
    if original is None or master.rule is None:
        return GONE
    try:
        if original not in master.rule.between(original, original + timedelta(seconds=1)):
            return GONE
    except ValueError:
        return UNSEEN
    return GoogleView(Event(row.event_id, "", {}), occurrence_of(master.appointment, original), None, True)
