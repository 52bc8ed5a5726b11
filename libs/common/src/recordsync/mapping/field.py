"""One line per field serves both directions and both sides. Pure.

A field's attribute may depend on the kind of record (a person's surname, a company's name), which another field tells.
What the right can't do for an entity (a PUT that takes less than a POST) is declared here, and becomes a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from recordsync.mapping.child import ChildOf
from recordsync.mapping.codecs import TEXT, Codec
from recordsync.mapping.rows import ForeseenLists
from recordsync.mapping.state import EVERY_STATE, LeftState
from synckit import clamps
from synckit.errors import MappingError, TransientError
from synckit.reconcile.plan import Canonical, Direction, NoticeKind, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable
from synckit.text import clean, record_name

Payload = Mapping[str, Any]
LONGEST_NUMBER = 40
"""Characters: what is longer is no number of a record, however many digits it has."""
MOST_KINDS = 100
"""`kind_of` answers words of a closed set; should one not, its answers are not kept."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where a value stands in a payload, and what that place can hold."""

    name: str
    max_length: int | None = None
    forbids: str = ""
    earliest: date | None = None
    required: bool = False
    check: Callable[[Value], str] | None = None

    def refuses(self, value: Value) -> str:
        """Why it can't hold the value, in words for a user that don't repeat it; "" where it can."""
        if value is None:
            return "darf nicht leer sein" if self.required else ""
        if isinstance(value, str):
            if self.max_length is not None and len(value) > self.max_length:
                return f"ist länger als {self.max_length} Zeichen"
            found = [c for c in self.forbids if c in value]
            if found:
                return f"darf {' '.join(found)} nicht enthalten"
        if isinstance(value, date) and self.earliest is not None and value < self.earliest:
            return f"liegt vor dem {self.earliest:%d.%m.%Y}"
        return self.check(value) if self.check is not None else ""


@dataclass(frozen=True, slots=True)
class ByKind:
    """An attribute for each kind of record; a kind that is missing does not have the field."""

    kinds: Mapping[str, Attribute]


Place = Attribute | ByKind
_Reader = tuple[str, str | None, Callable[[Any], Value]]


@dataclass(frozen=True, slots=True)
class Field:
    """One mapped field: its places, its codec, its direction.

    `fallback`: what the left means where its attribute is empty, made of the record's other fields; that is never
    written there. `shown`: how a note shows the value to a user (an account number all but masked).
    """

    name: str
    left: Place
    right: Place
    label: str
    codec: Codec = TEXT
    direction: Direction = Direction.BOTH
    winner: Side = Side.LEFT
    essential: bool = False
    fallback: Callable[[Canonical], Value] | None = None
    shown: Callable[[Value], Value] | None = None

    def attribute(self, side: Side, kind: str) -> Attribute | None:
        """Where the field stands in a record of that kind; None where such a record has no such field."""
        place = self.left if side is Side.LEFT else self.right
        return place.kinds.get(kind) if isinstance(place, ByKind) else place

    def reader(self, side: Side, kind: str) -> _Reader:
        """Its name, its attribute's name (None where such a record has no such field), and how that is read."""
        place = self.attribute(side, kind)
        read = self.codec.read_left if side is Side.LEFT else self.codec.read_right
        return self.name, None if place is None else place.name, read

    def print(self, side: Side, value: Value) -> Any:
        """Canonical → payload value."""
        return self.codec.print_left(value) if side is Side.LEFT else self.codec.print_right(value)

    def normal(self, side: Side, value: Value) -> Value:
        """A canonical value that an older release wrote down, as it is read today. What can't be read stays."""
        read = self.codec.read_left if side is Side.LEFT else self.codec.read_right
        with suppress(MappingError):
            return read(self.print(side, value))
        return value


@dataclass(frozen=True, slots=True)
class EntityMapping:
    """The table of one synced noun. `kind_of`: canonical record → kind, e.g. `person` or `company`.

    `right_writable`: every attribute that a PUT on the right must carry, because a PUT replaces the record.
    `right_updatable`: what of it a PUT takes, where that is less than a POST; a field that it does not take is only
    read once the record exists. `link_attribute`: the left attribute that holds the right id; a number there where
    `link_is_number`. `child_of`: set where the record is a row of another one. `state`: the state fields of the left
    type. `texts`: an entity's own words for notes. `describe`: a record in a few words, for notes and names.
    `lists`: lists inside of the left record that are rows on the right. `derived`: fields with a `fallback`.
    """

    entity: str
    left_type: str
    right_type: str
    fields: Sequence[Field]
    kind_of: Callable[[Canonical], str]
    kind_fields: frozenset[str]
    right_writable: tuple[str, ...]
    link_attribute: str
    link_is_number: bool = False
    right_updatable: tuple[str, ...] | None = None
    child_of: ChildOf | None = None
    state: LeftState = EVERY_STATE
    texts: Mapping[NoticeKind, str] = field(default_factory=dict)
    describe: Callable[[Canonical], str] = lambda _record: ""
    lists: ForeseenLists | None = None
    policies: Sequence[FieldPolicy] = field(init=False)
    _readers: dict[tuple[Side, str | None], tuple[_Reader, ...]] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    derived: Sequence[Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", tuple(self._policy(f) for f in self.fields))
        object.__setattr__(self, "_readers", {})
        object.__setattr__(self, "_by_name", {f.name: f for f in self.fields})
        object.__setattr__(self, "derived", tuple(f for f in self.fields if f.fallback is not None))

    def read(self, side: Side, payload: Payload) -> Canonical:
        """Payload → canonical record. An attribute that the payload lacks is unknown, and left out."""
        told: dict[str, Value] = {}
        _read_into(told, self._reading(side, None), side, payload)
        _read_into(told, self._reading(side, self.kind_of(told)), side, payload)
        return self._fallen_back(told) if side is Side.LEFT else told

    def patch(self, side: Side, now: Canonical, writes: Canonical) -> dict[str, Any]:
        """The attributes to write. A value whose place moves with the kind is written to its new place."""
        if not writes:
            return {}
        after = {**now, **writes}
        before_kind, kind = self.kind_of(now), self.kind_of(after)
        patch: dict[str, Any] = {}
        for f in self.fields:
            if f.name not in (writes if kind == before_kind else after):
                continue
            place = f.attribute(side, kind)
            before = f.attribute(side, before_kind)
            if place is not None and (f.name in writes or place != before):
                patch[place.name] = f.print(side, self._entered(f, side, after))
            elif place is None and before is not None and side is Side.RIGHT:
                # A person's first name beside a company's name: what only the old kind has goes along with it.
                patch[before.name] = f.print(side, None)
        return patch

    def whole_right(self, payload: Payload, patch: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a PUT that replaces: all attributes that it takes as read, and the patch over them.

        TransientError where the record was not shown whole.
        """
        missing = [name for name in self.put_takes if name not in payload]
        if missing:
            raise TransientError(f"the answer lacks {missing[0]}, so a PUT would empty it")
        return {**{name: payload[name] for name in self.put_takes}, **patch}

    @property
    def put_takes(self) -> tuple[str, ...]:
        """Every attribute that a PUT on the right takes."""
        return self.right_writable if self.right_updatable is None else self.right_updatable

    def posts(self, name: str) -> bool:
        """Whether a POST on the right carries the field."""
        found = self._by_name.get(name)
        return found is not None and found.direction is not Direction.TO_LEFT

    def for_create(self, left: Canonical) -> dict[str, Any]:
        """The body of a POST on the right, without what has no counterpart there: see `unposted`.

        MappingError where the right can't hold a value.
        """
        without = self.unposted(left)
        counterpart = {
            f.name: f.codec.to_right(left.get(f.name))
            for f in self.fields
            if self.posts(f.name) and f.name not in without
        }
        kind = self.kind_of(counterpart)
        body: dict[str, Any] = dict.fromkeys(self.right_writable)
        for f in self.fields:
            place = f.attribute(Side.RIGHT, kind)
            if f.name not in counterpart or place is None:
                continue
            why = place.refuses(counterpart[f.name])
            if why:
                raise MappingError(f.label, Side.RIGHT.value, why)
            body[place.name] = f.print(Side.RIGHT, counterpart[f.name])
        return body

    def unposted(self, left: Canonical) -> frozenset[str]:
        """Fields whose value has no counterpart on the right: the record is created without them, and a user is told.

        MappingError where that is a field without which the record is none.
        """
        found: set[str] = set()
        for f in self.fields:
            try:
                f.codec.to_right(left.get(f.name))
            except Unmappable as exc:
                if f.essential or f.name in self.kind_fields:
                    raise MappingError(f.label, Side.RIGHT.value, str(exc)) from None
                found.add(f.name)
        return frozenset(found)

    def for_left(self, right: Canonical) -> dict[str, Any]:
        """The body of a POST on the left, of all that the left can hold. Empty where that is nothing."""
        held: dict[str, Value] = {}
        for f in self.fields:
            place = f.attribute(Side.LEFT, self.kind_of(right))
            with suppress(Unmappable):
                value = f.codec.to_left(right.get(f.name))
                held[f.name] = value if place is not None and not place.refuses(value) else None
        if not any(value is not None for value in held.values()):
            return {}
        return {**self.patch(Side.LEFT, {}, held), "name": record_name(self.describe(held), self.entity.capitalize())}

    def linked_to(self, payload: Payload, parent_id: str = "") -> str | None:
        """The right id that the left record itself claims, or None. `parent_id`: the right id of a child's parent.

        MappingError where it claims what no record can be called: that is neither a link nor the lack of one.
        """
        claimed = payload.get(self.link_attribute)
        if isinstance(claimed, str):
            claimed = clean(claimed)
            digits = "".join(claimed.split())
            is_number = self.link_is_number and digits.isdecimal() and len(digits) <= LONGEST_NUMBER
            claimed = str(int(digits)) if is_number else claimed
        if claimed in (None, "", 0, "0"):
            return None
        known = clamps.identity(claimed)
        if not known or (self.link_is_number and not known.isdigit()):
            raise MappingError(self.link_attribute, Side.LEFT.value, "ist keine Nummer, die es geben kann")
        return known if self.child_of is None else self.child_of.right_id(parent_id, known)

    def link_attributes(self, right_id: str, version: str | None) -> dict[str, Any]:
        """What the left record says of its link."""
        own = right_id if self.child_of is None else self.child_of.row_of(right_id)
        return {self.link_attribute: int(own) if self.link_is_number else own, "advowareRowId": version}

    def attribute_of(self, name: str, side: Side, record: Canonical) -> str:
        """What a side calls the field in a record of that kind; the field's own name where it has none there."""
        found = next((f for f in self.fields if f.name == name), None)
        place = found.attribute(side, self.kind_of(record)) if found else None
        return place.name if place else name

    def field_at(self, side: Side, attribute: str) -> str | None:
        """The field that stands in that attribute, in a record of any kind."""
        for f in self.fields:
            place = f.left if side is Side.LEFT else f.right
            places = [place] if isinstance(place, Attribute) else place.kinds.values()
            if any(each.name == attribute for each in places):
                return f.name
        return None

    def label(self, name: str) -> str:
        """What a user calls the field."""
        known = self._by_name[name].label if name in self._by_name else ""
        return known or (self.lists.label(name) if self.lists else name)

    def shown(self, name: str, value: Value) -> Value:
        """The value as a note shows it."""
        found = next((f.shown for f in self.fields if f.name == name), None)
        return found(value) if found is not None and value is not None else value

    def normal(self, side: Side, name: str, value: Value) -> Value:
        """As `Field.normal`. What is no field of this entity is left alone."""
        found = self._by_name.get(name)
        return value if found is None else found.normal(side, value)

    def _fallen_back(self, told: dict[str, Value]) -> dict[str, Value]:
        """Nothing where a part is unknown: a label made of half a record would be a lie."""
        for f in self.derived:
            if f.fallback is not None and told.get(f.name, "") is None and len(told) == len(self.fields):
                told[f.name] = f.fallback(told)
        return told

    @staticmethod
    def _entered(f: Field, side: Side, after: Canonical) -> Value:
        """What is to stand in the attribute itself: nothing where the left means the same without it."""
        if side is Side.RIGHT or f.fallback is None:
            return after[f.name]
        return None if f.codec.alike(after[f.name], f.fallback(after)) else after[f.name]

    def _reading(self, side: Side, kind: str | None) -> tuple[_Reader, ...]:
        """How the fields of a record of that kind are read; for None those that tell the kind. Worked out once."""
        known = self._readers.get((side, kind))
        if known is None:
            chosen = [f for f in self.fields if (f.name in self.kind_fields) is (kind is None)]
            known = tuple(f.reader(side, kind or "") for f in chosen)
            if len(self._readers) < MOST_KINDS:
                self._readers[side, kind] = known
        return known

    def _direction(self, f: Field) -> Direction:
        places = [f.right] if isinstance(f.right, Attribute) else f.right.kinds.values()
        is_taken = all(place.name in self.put_takes for place in places)
        return f.direction if is_taken or self.right_updatable is None else Direction.TO_LEFT

    def _policy(self, f: Field) -> FieldPolicy:
        def refuses(side: Side, value: Value, record: Canonical) -> str:
            place = f.attribute(side, self.kind_of(record))
            return place.refuses(value) if place is not None else ""

        return FieldPolicy(
            name=f.name,
            label=f.label,
            direction=self._direction(f),
            winner=f.winner,
            to_right=f.codec.to_right,
            to_left=f.codec.to_left,
            alike=f.codec.alike,
            refuses=refuses,
            essential=f.essential,
        )


def _read_into(told: dict[str, Value], readers: Sequence[_Reader], side: Side, payload: Payload) -> None:
    """MappingError names the field and the side, never the value."""
    for name, attribute, read in readers:
        if attribute is None:
            told[name] = None
        elif attribute in payload:
            try:
                told[name] = read(payload[attribute])
            except MappingError as exc:
                raise MappingError(name, side.value, exc.reason) from None
