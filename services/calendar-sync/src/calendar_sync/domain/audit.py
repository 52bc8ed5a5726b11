"""What the state table, Advoware and Google say of each other where nothing is left to do: a drift is a finding. Pure.

An audit writes nothing. Repair is a run with a whole list: it goes through the same plan and the same budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from calendar_sync.domain.block import split
from calendar_sync.domain.identity import mark_of
from calendar_sync.domain.memory import CalendarState, Diary, Row, State
from calendar_sync.domain.values import CalendarRef, Event, Window
from kanzlei.termine import Termin

ORPHAN, DUPLICATE, DEAD_PAIR = "orphan", "duplicate", "dead_pair"
LOST_ACL, WRONG_OWNER = "lost_acl", "wrong_owner"
NO_EMPLOYEE, LOST_CALENDAR = "calendar_without_employee", "lost_calendar"
RENAMED = "renamed"
KINDS: Mapping[str, str] = {
    ORPHAN: "trägt unser Zeichen, gehört aber zu keinem Paar",
    DUPLICATE: "steht zweimal da",
    DEAD_PAIR: "ist auf beiden Seiten verschwunden, das Paar gilt noch",
    LOST_ACL: "Freigabe für den Mitarbeiter fehlt",
    WRONG_OWNER: "gehört bei Google einem anderen Konto",
    NO_EMPLOYEE: "Kalender ohne Mitarbeiter",
    LOST_CALENDAR: "Kalender ist nicht mehr zu sehen",
    RENAMED: "sieht nach einem neuen Kürzel aus",
}
"""Kind → in the words of the office."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One drift. `side` is `google`, `advoware` or `""` for both; `what` is an id there. No client data."""

    kind: str
    kuerzel: str
    side: str = ""
    what: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"kind": self.kind, "kuerzel": self.kuerzel, "side": self.side, "what": self.what}
        return {**told, "text": KINDS[self.kind], "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Sides:
    """One employee as all three show it. `shared` is address → right, `owner` whom Google names."""

    diary: Diary
    rows: Sequence[Row]
    termine: Sequence[Termin]
    unreadable: Collection[int]
    events: Sequence[Event]
    window: Window
    shared: Mapping[str, str]
    owner: str
    role_account: str
    acl_role: str


def audit(sides: Sides) -> tuple[Finding, ...]:
    """All findings of one employee, in a fixed order."""
    return (*_rights(sides), *_orphans(sides), *_duplicates(sides), *_dead(sides))


def audit_office(
    diaries: Sequence[Diary], calendars: Mapping[str, Sequence[CalendarRef]], active: Mapping[str, tuple[str, str]]
) -> tuple[Finding, ...]:
    """What no single employee shows. `calendars`: Kürzel of the marker → those in Google.

    `active`: Kürzel → name and address of those who work here.
    An employee without a calendar in whose place another one with the same address had one has a new Kürzel.
    """
    known = {diary.kuerzel: diary for diary in diaries if diary.calendar is not None}
    found = [
        Finding(NO_EMPLOYEE, kuerzel, "google", ref.id)
        for kuerzel, refs in sorted(calendars.items())
        for ref in refs
        if kuerzel not in known and kuerzel not in active
    ]
    found += [
        Finding(DUPLICATE, kuerzel, "google", ref.id, "zweiter Kalender mit demselben Zeichen")
        for kuerzel, refs in sorted(calendars.items())
        for ref in refs
        if len(refs) > 1 and kuerzel in known and ref.id != _id(known[kuerzel])
    ]
    for diary in known.values():
        if diary.kuerzel not in active and diary.email:
            successors = [
                name for name, (_, mail) in active.items() if mail.lower() == diary.email.lower() and name not in known
            ]
            found += [
                Finding(RENAMED, diary.kuerzel, "", name, f"python -m calendar_sync rename {diary.kuerzel} {name}")
                for name in successors
            ]
    return tuple(found)


def _id(diary: Diary) -> str:
    return diary.calendar.id if diary.calendar else ""


def _rights(sides: Sides) -> Iterator[Finding]:
    diary = sides.diary
    wanted = "reader" if diary.state is CalendarState.LEFT else sides.acl_role
    if diary.email and sides.shared.get(diary.email.lower()) != wanted:
        yield Finding(LOST_ACL, diary.kuerzel, "google", _id(diary))
    if sides.owner and sides.owner.lower() != sides.role_account.lower():
        yield Finding(WRONG_OWNER, diary.kuerzel, "google", _id(diary))


def _orphans(sides: Sides) -> Iterator[Finding]:
    known_events = {row.event_id for row in sides.rows}
    known_termine = {row.frnr for row in sides.rows}
    keys = {row.key for row in sides.rows}
    for event in _living(sides.events):
        mark = mark_of(event.body)
        if mark is not None and mark.event_id == event.id and event.id not in known_events:
            yield Finding(ORPHAN, sides.diary.kuerzel, "google", event.id)
    for termin in sides.termine:
        mark_at_desk = split(termin.notiz_end or termin.values.notiz)[1].mark
        if mark_at_desk and termin.frnr not in known_termine and mark_at_desk not in keys:
            yield Finding(ORPHAN, sides.diary.kuerzel, "advoware", str(termin.frnr))


def _duplicates(sides: Sides) -> Iterator[Finding]:
    """By our mark, and by what they say: of those, one that we know and one that we don't."""
    kuerzel, living = sides.diary.kuerzel, list(_living(sides.events))
    marks = Counter(mark.frnr for event in living if (mark := mark_of(event.body)) and mark.event_id == event.id)
    for event in living:
        mark = mark_of(event.body)
        if mark is not None and mark.event_id == event.id and mark.frnr and marks[mark.frnr] > 1:
            yield Finding(DUPLICATE, kuerzel, "google", event.id, "selbes Zeichen")
    known_events = {row.event_id for row in sides.rows}
    known_termine = {row.frnr for row in sides.rows}
    for double in _strangers([(_said(event), event.id) for event in living], known_events):
        yield Finding(DUPLICATE, kuerzel, "google", str(double), "selber Inhalt")
    said = [(_said_at_desk(termin), termin.frnr) for termin in sides.termine]
    for double in _strangers(said, known_termine):
        yield Finding(DUPLICATE, kuerzel, "advoware", str(double), "selber Inhalt")


def _strangers(said: Iterable[tuple[Hashable, Hashable]], known: Collection[Hashable]) -> Iterator[Hashable]:
    groups: dict[Hashable, list[Hashable]] = {}
    for content, one in said:
        groups.setdefault(content, []).append(one)
    for group in groups.values():
        if any(one in known for one in group):
            yield from (one for one in group if one not in known)


def _dead(sides: Sides) -> Iterator[Finding]:
    """A pair that should be in both lists, and is in neither."""
    events = {event.id for event in _living(sides.events)}
    termine = {termin.frnr for termin in sides.termine} | set(sides.unreadable)
    inner = sides.window.narrowed()
    for row in sides.rows:
        if row.state is not State.LINKED or row.parent or row.left is None:
            continue
        is_expected = row.left.touches(inner) and row.left.recurrence is None
        if is_expected and row.event_id not in events and row.frnr not in termine:
            yield Finding(DEAD_PAIR, sides.diary.kuerzel, "", row.key)


def _living(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if not event.is_cancelled and not event.master_id)


def _said(event: Event) -> Hashable:
    body = event.body
    times = tuple(
        str((body.get(end) or {}).get(form) or "") for end in ("start", "end") for form in ("date", "dateTime")
    )
    return (str(body.get("summary") or ""), *times, tuple(map(str, body.get("recurrence") or ())))


def _said_at_desk(termin: Termin) -> Hashable:
    values = termin.values
    return (values.text, values.sb, values.datum, values.uhrzeit_bis, values.datum_bis, values.ort, values.turnus_art)
