"""The parties of one law office in memory: every write gives a new row id, a date in local time, and a version."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.advoware import fields
from sandbox.advoware.fields import Check, merged, replaced
from sandbox.advoware.records import Child, Party, Version, new_row_id
from sandbox.advoware.refusal import RefusedError, forbidden, not_found
from sandbox.advoware.switches import Switches
from sandbox.changes import ChangeLog

BERLIN = ZoneInfo("Europe/Berlin")
HISTORY_PER_RECORD = 200
FIRST_PARTY = 10_000
CHILD_FIELDS: Mapping[str, Mapping[str, Check]] = {
    "adressen": fields.ADRESSEN_ALL,
    "kommunikation": fields.KOMMUNIKATION_ALL,
    "bankverbindungen": fields.BANKVERBINDUNGEN_ALL,
}


@dataclass(frozen=True)
class Query:
    """What GET /Beteiligte filters by; texts match without case, anywhere in the field."""

    name: str = ""
    vorname: str = ""
    rechtsform: str = ""
    changed_since: datetime | None = None
    skip: int = 0
    take: int = 100

    def accepts(self, party: Party) -> bool:
        """True where all filters hold."""
        if self.changed_since is not None and party.changed < self.changed_since:
            return False
        wanted = (("name", self.name), ("vorname", self.vorname), ("rechtsform", self.rechtsform))
        return all(not text or text.casefold() in party.values[field].casefold() for field, text in wanted)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Office:
    """All parties by number. Writes come from the API (with its traps) or from a desk (a person, who may do more)."""

    def __init__(self, clock: Callable[[], datetime] = _utc_now, changes: ChangeLog | None = None) -> None:
        self.switches = Switches()
        self.history: dict[int, deque[Version]] = {}
        self._clock = clock
        self._changes = changes if changes is not None else ChangeLog()
        self._parties: dict[int, Party] = {}
        self._snapshot: dict[int, Party] | None = None
        self._open: set[int] = set()
        self._hooks: list[Callable[[], None]] = []
        self._last_party = FIRST_PARTY
        self._last_child = 500_000

    def set_switches(self, given: Mapping[str, Any]) -> None:
        """Change switches; a stale snapshot is taken in the moment when it is switched on."""
        self.switches.change(given)
        if not self.switches.show_the_past:
            self._snapshot = None
        elif self._snapshot is None:
            self._snapshot = dict(self._parties)
        for hook in self._hooks:
            hook()

    def on_switch(self, hook: Callable[[], None]) -> None:
        """Call this after each change of switches."""
        self._hooks.append(hook)

    # -- reading, as the API shows it ------------------------------------------------------------------------------

    def seen(self, bet_nr: int) -> Party:
        """The party as a GET sees it: the old one while a stale snapshot is on."""
        party = (self._parties if self._snapshot is None else self._snapshot).get(bet_nr)
        if party is None:
            raise not_found()
        return party

    def page(self, query: Query) -> list[Party]:
        """One page of the list, ordered by number."""
        if self.switches.empty_lists:
            return []
        if self.switches.geaendert_seit_ignored:
            query = replace(query, changed_since=None)
        everybody = self._parties if self._snapshot is None else self._snapshot
        found = [party for party in everybody.values() if query.accepts(party)]
        return found[query.skip : query.skip + query.take]

    def another(self, bet_nr: int) -> Party:
        """Some other party, for answers that lie; the same one where there is no other."""
        following = (self._parties.get(number) for number in range(bet_nr + 1, self._last_party + 1))
        preceding = (self._parties.get(number) for number in range(bet_nr - 1, FIRST_PARTY, -1))
        return next((party for party in (*following, *preceding) if party is not None), self.party(bet_nr))

    # -- reading, as it is ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._parties)

    def party(self, bet_nr: int) -> Party:
        """The party as it really is."""
        if (party := self._parties.get(bet_nr)) is None:
            raise not_found()
        return party

    def everybody(self) -> list[Party]:
        """All parties, ordered by number."""
        return list(self._parties.values())

    # -- the API's writes -----------------------------------------------------------------------------------------

    def post(self, given: Mapping[str, Any]) -> Party:
        """POST /Beteiligte: takes the eight writable fields, silently ignores everything else."""
        return self._create(replaced(fields.BETEILIGTE_WRITABLE, given), "api")

    def put(self, bet_nr: int, given: Mapping[str, Any]) -> Party:
        """PUT /Beteiligte/{betNr}: replaces the writable fields. No version is checked: the last one wins."""
        party = self._writable(bet_nr)
        values = {**party.values, **replaced(fields.BETEILIGTE_WRITABLE, given)}
        return self._store(replace(party, values=values), "api", "ändern", differing(party.values, values))

    def delete(self, bet_nr: int) -> None:
        """DELETE /Beteiligte/{betNr}: refused while open at a desk, and for good while in use in an Akte."""
        if self._writable(bet_nr).in_use:
            raise forbidden("Der Beteiligte wird in einer Akte verwendet und kann nicht gelöscht werden.")
        self._remove(bet_nr, "api")

    def post_child(self, bet_nr: int, kind: str, given: Mapping[str, Any]) -> Child:
        """POST of an address, a communication entry or a bank account."""
        party = self._writable(bet_nr)
        values = replaced(CHILD_FIELDS[kind], given)
        if kind == "bankverbindungen":
            _refuse_second_iban(party, values)
        return self._add_child(party, kind, values, "api")

    def put_child(self, bet_nr: int, kind: str, child_id: int, given: Mapping[str, Any]) -> Child:
        """PUT of an address or a communication entry: replaces the few fields that a PUT takes, ignores the others."""
        party = self._writable(bet_nr)
        takes = {"adressen": fields.ADRESSEN_PUT, "kommunikation": fields.KOMMUNIKATION_PUT}[kind]
        return self._change_child(party, kind, child_id, replaced(takes, given), "api")

    # -- a person at a desk ---------------------------------------------------------------------------------------

    def desk_create(self, given: Mapping[str, Any]) -> Party:
        """A person enters a new party; all fields of the form may be filled."""
        return self._create(replaced(fields.BETEILIGTE_ALL, merged(fields.BETEILIGTE_ALL, given)), "desk")

    def desk_change(self, bet_nr: int, given: Mapping[str, Any]) -> Party:
        """A person changes some fields, those that the API can only read as well."""
        party = self.party(bet_nr)
        values = {**party.values, **merged(fields.BETEILIGTE_ALL, given)}
        return self._store(replace(party, values=values), "desk", "ändern", differing(party.values, values))

    def desk_delete(self, bet_nr: int) -> None:
        """A person deletes the party, together with its Akte if need be."""
        self.party(bet_nr)
        self._remove(bet_nr, "desk")

    def desk_in_use(self, bet_nr: int, in_use: bool) -> Party:
        """A person adds the party to an Akte, or takes it out."""
        return self._store(replace(self.party(bet_nr), in_use=in_use), "desk", "Akte", ())

    def desk_open(self, bet_nr: int) -> None:
        """A person opens the record: the API's writes are refused with 409 until it is closed."""
        self.party(bet_nr)
        self._open.add(bet_nr)

    def desk_close(self, bet_nr: int) -> None:
        """A person closes the record."""
        self._open.discard(bet_nr)

    def is_open(self, bet_nr: int) -> bool:
        """True while a desk has the record open."""
        return bet_nr in self._open

    def opened(self) -> list[int]:
        """The numbers of all records that are open at a desk."""
        return sorted(self._open)

    def desk_add_child(self, bet_nr: int, kind: str, given: Mapping[str, Any]) -> Child:
        """A person enters an address, a communication entry or a bank account."""
        known = CHILD_FIELDS[kind]
        return self._add_child(self.party(bet_nr), kind, replaced(known, merged(known, given)), "desk")

    def desk_change_child(self, bet_nr: int, kind: str, child_id: int, given: Mapping[str, Any]) -> Child:
        """A person changes one of them, in any field."""
        return self._change_child(self.party(bet_nr), kind, child_id, merged(CHILD_FIELDS[kind], given), "desk")

    def desk_delete_child(self, bet_nr: int, kind: str, child_id: int) -> None:
        """A person deletes one of them, which the API never can."""
        party = self.party(bet_nr)
        _child_of(party, kind, child_id)
        kept = tuple(child for child in party.children[kind] if child.id != child_id)
        self._keep(replace(party, children={**party.children, kind: kept}), "desk", f"{kind} löschen", ())

    # -- storing --------------------------------------------------------------------------------------------------

    def _local_now(self) -> datetime:
        return self._clock().astimezone(BERLIN).replace(tzinfo=None, microsecond=0)

    def _writable(self, bet_nr: int) -> Party:
        party = self.party(bet_nr)
        if bet_nr in self._open:
            raise RefusedError(409, "Der Datensatz ist an einem Arbeitsplatz geöffnet.")
        return party

    def _create(self, values: dict[str, Any], origin: str) -> Party:
        self._last_party += 1
        full = {**dict.fromkeys(fields.BETEILIGTE_READ_ONLY, ""), **values}
        party = Party(self._last_party, full, self._local_now())
        return self._keep(party, origin, "anlegen", tuple(name for name, value in full.items() if value))

    def _store(self, party: Party, origin: str, action: str, changed: tuple[str, ...]) -> Party:
        fresh = replace(party, row_id=new_row_id(), changed=self._local_now())
        return self._keep(fresh, origin, action, changed)

    def _keep(self, party: Party, origin: str, action: str, changed: tuple[str, ...]) -> Party:
        self._parties[party.bet_nr] = party
        versions = self.history.setdefault(party.bet_nr, deque(maxlen=HISTORY_PER_RECORD))
        versions.append(Version(self._clock(), origin, action, changed, party.row_id, party.values))
        told = {name: party.values[name] for name in changed if name in party.values}
        verb = "create" if action == "anlegen" else "update"
        self._changes.add("Beteiligte", str(party.bet_nr), verb, origin, told)
        return party

    def _remove(self, bet_nr: int, origin: str) -> None:
        party = self._parties.pop(bet_nr)
        self._open.discard(bet_nr)
        self.history[bet_nr].append(Version(self._clock(), origin, "löschen", (), party.row_id, party.values))
        self._changes.add("Beteiligte", str(bet_nr), "delete", origin, {})

    def _add_child(self, party: Party, kind: str, values: dict[str, Any], origin: str) -> Child:
        self._last_child += 1
        if kind == "adressen":
            values = {"reihenfolgeIndex": len(party.children[kind]) + 1, **values}
        child = Child(self._last_child, values, kz_hidden=kind == "kommunikation" and origin == "api")
        children = {**party.children, kind: (*party.children[kind], child)}
        self._keep(replace(party, children=children), origin, f"{kind} anlegen", tuple(values))
        return child

    def _change_child(self, party: Party, kind: str, child_id: int, values: Mapping[str, Any], origin: str) -> Child:
        old = _child_of(party, kind, child_id)
        new = Child(old.id, {**old.values, **values}, kz_hidden=old.kz_hidden and origin == "api")
        kept = tuple(new if child.id == child_id else child for child in party.children[kind])
        changed = differing(old.values, new.values)
        self._keep(replace(party, children={**party.children, kind: kept}), origin, f"{kind} ändern", changed)
        return new


def _child_of(party: Party, kind: str, child_id: int) -> Child:
    for child in party.children[kind]:
        if child.id == child_id:
            return child
    raise not_found()


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, value in after.items() if before.get(name) != value)


def _bare_iban(value: str) -> str:
    return value.replace(" ", "").upper()


def _refuse_second_iban(party: Party, values: Mapping[str, Any]) -> None:
    iban = _bare_iban(values["iban"])
    if iban and any(_bare_iban(child.values["iban"]) == iban for child in party.children["bankverbindungen"]):
        raise RefusedError(409, "Diese IBAN ist beim Beteiligten schon vorhanden.")
