"""The diff of one kind, e-mail or phone: the six cases, conflicts, slots. Pure.

Source: contracts/advoware.md. An edit beats a removal on the other side: nothing that a person entered is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from beteiligte_sync.entities.kommunikation.entry import Entry, Known, type_for, value_of
from beteiligte_sync.entities.kommunikation.kinds import OTHER_KZ, Kind, kz_for, type_of
from beteiligte_sync.entities.kommunikation.plan import RowWrite, Told, Why, empty, fill, post
from beteiligte_sync.entities.kommunikation.row_match import RowMatch

T = TypeVar("T")
MANY = 3
"""Fewer entries than these go without asking: a person who deletes both of two addresses means it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that is not there any more. Not `believed` where most of them are gone at once.

    That stays so until EspoCRM's entry is removed, or the row is back: it is known from then on without a value.
    """

    row: str
    known: Known
    believed: bool


@dataclass(slots=True)
class Sides:
    """What both sides show of one kind. `aside`: entries whose rows are left as they were, whatever they show."""

    kind: Kind
    shown: tuple[Entry, ...]
    matches: list[RowMatch] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Decided:
    """What is to be done about one kind."""

    kind: Kind
    shown: tuple[Entry, ...]
    entries: list[Entry]
    live_rows: int
    known: dict[str, Known] = field(default_factory=dict)
    writes: list[RowWrite] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    dropped: int = 0
    emptied: int = 0

    @property
    def must_write_left(self) -> bool:
        return tuple(self.entries) != self.shown

    def held_because(self) -> str:
        """Why it waits for a person's word, "" where it may go on."""
        for side, count, of in (("EspoCRM", self.dropped, len(self.shown)), ("Advoware", self.emptied, self.live_rows)):
            if count >= MANY and count * 2 > of:
                return f"{count} von {of} Einträgen ({self.kind.label}) würden geleert ({side})"
        return ""


def decided(sides: Sides) -> Decided:
    """Both sides of one kind, decided."""
    live_rows = sum(1 for match in sides.matches if match.stands_for is not None)
    out = Decided(sides.kind, sides.shown, list(sides.shown), live_rows)
    _Decider(sides, out).decide()
    if out.must_write_left:
        out.entries = _with_one_primary(out.entries)
    return out


class _Decider:
    def __init__(self, sides: Sides, out: Decided) -> None:
        self._out = out
        self._matches = sides.matches
        self._aside = frozenset(sides.aside)
        self._slots = [s for s in sides.matches if s.is_blank and s.known is not None and s.stands_for is None]
        self._fresh = [s for s in sides.matches if s.is_new]
        self._groups: dict[str, list[RowMatch]] = {}
        self._gone: dict[str, list[Gone]] = {}
        for match in sides.matches:
            if match.stands_for is not None:
                self._groups.setdefault(match.stands_for, []).append(match)
        for each in sides.gone:
            self._gone.setdefault(each.known.key or "", []).append(each)

    def decide(self) -> None:
        out = self._out
        out.known.update(
            (s.row.id, s.known) for s in self._matches if s.known and s.stands_for is None and not s.is_new
        )
        # Where most rows are gone, they may come back: what they stood for stays known.
        out.known.update(
            (g.row, replace(g.known, tlf="")) for gone in self._gone.values() for g in gone if not g.believed
        )
        agreed_on = {*self._groups, *self._gone, *self._aside}
        new = [e for e in out.entries if e.key not in agreed_on]
        pairs = self._changed_in_espocrm(new)
        shown = {e.key for e in out.entries}
        for key in dict.fromkeys((*self._groups, *self._gone)):
            matches = self._groups.get(key, [])
            if key in pairs:
                self._put_over(matches, pairs[key])
            elif key in shown:
                self._left_as_it_was(key, matches)
            else:
                self._removed_in_espocrm(matches)
        for match in self._fresh:
            self._take_over(match)
        for entry in tuple(out.entries):
            self._give(entry)

    def _changed_in_espocrm(self, new: Sequence[Entry]) -> dict[str, Entry]:
        """Which entry each missing one has turned into: the one that its row shows already, else one of its type."""
        shown = {e.key for e in self._out.entries}
        missing = {key: matches for key, matches in self._groups.items() if key not in shown}
        pairs: dict[str, Entry] = {}
        for key, matches in missing.items():
            found = _first(e for e in new if e not in pairs.values() and any(s.key == e.key for s in matches))
            if found is not None:
                pairs[key] = found
        there = {s.key for s in self._matches if not s.is_as_agreed}
        for key, matches in missing.items():
            types = {t for s in matches if s.known for t in (s.known.type, type_for(s.kind, s.komm_kz))}
            free = (e for e in new if e not in pairs.values() and e.key not in there and e.type in types)
            if key not in pairs and (found := _first(free)) is not None:
                pairs[key] = found
        return pairs

    def _put_over(self, matches: Iterable[RowMatch], entry: Entry) -> None:
        for match in matches:
            if match.key == entry.key:
                self._keep(match, entry)
                continue
            if match.is_text or match.is_retyped or not match.is_as_agreed:
                self._tell(Why.CONFLICT, match, entry.value)
            self._fill(match, entry)

    def _left_as_it_was(self, key: str, matches: Sequence[RowMatch]) -> None:
        stay = [s for s in matches if s.is_as_agreed or s.is_text]
        moved = [s for s in matches if s not in stay and not s.is_blank]
        self._free(s for s in matches if s.is_blank)
        doubtful = [g for g in self._gone.get(key, ()) if not g.believed]
        if stay or any(s.key == key for s in self._matches):
            # Another row may hold it by now: two that were swapped at a desk are no change at all.
            self._stays(key, stay)
            self._fresh.extend(moved)
        elif moved:
            self._replace(key, moved[0])
            self._fresh.extend(moved[1:])
        elif doubtful:
            self._out.told.append(Told(Why.VANISHED, self._out.kind, self._entry(key).value, row=doubtful[0].row))
        else:
            self._out.entries.remove(self._entry(key))
            self._out.dropped += 1

    def _stays(self, key: str, stay: Sequence[RowMatch]) -> None:
        for match in stay:
            if match.is_text and not match.is_as_agreed:
                self._tell(Why.UNUSABLE, match, self._entry(key).value)
            self._take_type(key, match)
        for match in stay:
            self._keep(match, self._entry(key))

    def _take_type(self, key: str, match: RowMatch) -> None:
        """A desk said what kind of number it is: that is an edit, too."""
        entry, shown = self._entry(key), match.row.komm_kz
        if entry.kind is Kind.MAIL or match.known is None or not shown or match.known.type != entry.type:
            return
        if type_of(shown) != type_of(match.known.komm_kz):
            self._swap(entry, replace(entry, type=type_of(shown)))

    def _replace(self, key: str, match: RowMatch) -> None:
        """Changed in Advoware: the type stays. Opt-out and `invalid` were said of the old value."""
        old = self._entry(key)
        value = value_of(self._out.kind, match.row.tlf) or match.row.tlf
        new = replace(old, value=value, opt_out=False, invalid=False)
        there = _first(e for e in self._out.entries if e.key == new.key)
        if there is None:
            self._swap(old, new)
        else:
            self._out.entries.remove(old)
            new = there
        self._keep(match, new)

    def _removed_in_espocrm(self, matches: Iterable[RowMatch]) -> None:
        for match in matches:
            if match.is_blank:
                self._free((match,))
            elif match.is_text:
                if not match.is_as_agreed:
                    self._tell(Why.UNUSABLE, match)
                self._out.known[match.row.id] = match.agreed(None)
            elif match.is_as_agreed and not match.is_retyped:
                agreed = match.agreed(None, tlf="")
                self._out.writes.append(empty(match.row, agreed))
                self._out.known[match.row.id] = agreed
                self._out.emptied += 1
            else:
                if not any(e.key == match.key for e in self._out.entries):
                    self._tell(Why.KEPT, match)
                self._fresh.append(match)

    def _take_over(self, match: RowMatch) -> None:
        """New in Advoware."""
        value = value_of(self._out.kind, match.row.tlf)
        there = _first(e for e in self._out.entries if e.key == match.key)
        if there is None and value is None:
            self._out.known[match.row.id] = match.agreed(None)
            if match.komm_kz != OTHER_KZ:
                self._tell(Why.UNUSABLE, match)
            return
        if there is None:
            there = Entry(self._out.kind, value or match.row.tlf, match.agreed(None).type)
            self._out.entries.append(there)
        self._keep(match, there)

    def _give(self, entry: Entry) -> None:
        """New in EspoCRM, or left without a row: a row may hold it as mere text; else a free slot, else a new row."""
        if entry.key in self._aside or any(k.key == entry.key for k in self._out.known.values()):
            return
        text = _first(s for s in self._matches if s.key == entry.key and s.stands_for is None)
        if text is not None:
            self._keep(text, entry)
            return
        komm_kz = kz_for(entry.kind, entry.type)
        slot = _first(s for s in self._slots if s.komm_kz == komm_kz)
        if slot is None:
            agreed = Known(entry.kind, komm_kz, entry.sent, entry.key, entry.type)
            self._out.writes.append(post(agreed))
            return
        self._slots.remove(slot)
        self._fill(slot, entry)

    def _free(self, matches: Iterable[RowMatch]) -> None:
        """Emptied at a desk: a slot from now on, without a write to say so."""
        for match in matches:
            self._out.known[match.row.id] = match.agreed(None, tlf="")
            self._slots.append(match)

    def _fill(self, match: RowMatch, entry: Entry) -> None:
        agreed = match.agreed(entry.key, entry.type, entry.sent)
        self._out.writes.append(fill(match.row, agreed))
        self._out.known[match.row.id] = agreed

    def _keep(self, match: RowMatch, entry: Entry) -> None:
        self._out.known[match.row.id] = match.agreed(entry.key, entry.type)

    def _tell(self, why: Why, match: RowMatch, left: str = "") -> None:
        self._out.told.append(Told(why, self._out.kind, left, match.row.tlf, match.row.id))

    def _entry(self, key: str) -> Entry:
        return next(e for e in self._out.entries if e.key == key)

    def _swap(self, old: Entry, new: Entry) -> None:
        self._out.entries[self._out.entries.index(old)] = new


def _first(found: Iterable[T]) -> T | None:
    return next(iter(found), None)


def _with_one_primary(entries: Sequence[Entry]) -> list[Entry]:
    """The one that was, else the first: EspoCRM must be told, or a list can end without any."""
    chosen = next((i for i, e in enumerate(entries) if e.primary), 0)
    return [replace(e, primary=i == chosen) for i, e in enumerate(entries)]
