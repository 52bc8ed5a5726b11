"""All that the sandbox holds: calendars with their events and rights, everybody's list of calendars, the counters."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.changes import ChangeLog
from sandbox.google.accounts import Accounts
from sandbox.google.errors import not_found
from sandbox.google.tokens import Actor

ROLES = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
WRITERS = frozenset({"writer", "writerWithoutPrivateAccess", "owner"})
ZONE = "Europe/Berlin"
GROUP = "@group.calendar.google.com"


@dataclass
class Event:
    """`body` is what is kept, without etag. `seq` orders changes. `hidden`: too long dead for any list."""

    id: str
    body: dict[str, Any]
    version: int
    seq: int
    hidden: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    @property
    def cancelled(self) -> bool:
        return bool(self.body["status"] == "cancelled")

    @property
    def master_id(self) -> str | None:
        """Of an exception to a series; None for all others."""
        return self.body.get("recurringEventId")


@dataclass
class Rule:
    """One line of a calendar's rights. `seq` as of events; a removed one has the role `none`."""

    scope: dict[str, str]
    role: str
    version: int
    seq: int

    @property
    def id(self) -> str:
        value = self.scope.get("value")
        return f"{self.scope['type']}:{value}" if value else self.scope["type"]


@dataclass
class Calendar:
    """`epoch` goes up when all its sync tokens die; `app`: the service account that made it, None for a person's."""

    id: str
    fields: dict[str, Any]
    owner: str
    app: str | None
    version: int
    primary: bool = False
    epoch: int = 0
    token_answer: int = 410
    dies_in_paging: bool = False
    events: dict[str, Event] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)

    @property
    def zone(self) -> str:
        return str(self.fields["timeZone"])

    def role_of(self, email: str) -> str:
        """The best of what the rules give this account."""
        scopes = {f"user:{email}", f"domain:{email.partition('@')[2]}", "default"}
        roles = [rule.role for name, rule in self.rules.items() if name in scopes]
        return max(roles, key=ROLES.index, default="none")

    def exceptions(self, master_id: str) -> list[Event]:
        """Of a series, cancelled ones included."""
        return [event for event in self.events.values() if event.master_id == master_id and not event.hidden]


@dataclass
class Entry:
    """A calendar in somebody's list, with how it looks there."""

    calendar_id: str
    look: dict[str, Any]
    version: int
    seq: int
    deleted: bool = False


class World:
    """One office's Google. Whoever writes takes numbers from here and tells `changed`."""

    def __init__(self, accounts: Accounts, clock: Callable[[], datetime], changes: ChangeLog) -> None:
        self.accounts = accounts
        self.clock = clock
        self.changes = changes
        self.calendars: dict[str, Calendar] = {}
        self.lists: dict[str, dict[str, Entry]] = {}
        self.list_epoch = 0
        self.listeners: list[Callable[[Calendar], None]] = []
        self._seq = 0
        self._version = 0

    @property
    def seq(self) -> int:
        """Of the newest change."""
        return self._seq

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def next_version(self) -> int:
        """What an etag is made of: grows, and looks like Google's."""
        self._version = max(self._version + 2, int(self.clock().timestamp() * 1_000_000) // 2 * 2)
        return self._version

    def changed(self, calendar: Calendar, entity: str, record: str, action: str, by: str, **values: Any) -> None:
        """Note a write, and tell whoever watches the calendar's events."""
        self.changes.add(entity, record, action, by, {"calendar": calendar.id, **values})
        if entity == "event":
            for listener in self.listeners:
                listener(calendar)

    # -- calendars --------------------------------------------------------------------------------------------------

    def create(self, fields: Mapping[str, Any], actor: Actor) -> Calendar:
        """A secondary calendar, owned by whoever makes it."""
        calendar_id = f"c_{secrets.token_hex(32)}{GROUP}"
        return self._add(calendar_id, dict(fields), actor)

    def _add(self, calendar_id: str, fields: dict[str, Any], actor: Actor, *, primary: bool = False) -> Calendar:
        kept = {"timeZone": ZONE} | fields
        calendar = Calendar(calendar_id, kept, actor.email, actor.app, self.next_version(), primary)
        self.calendars[calendar_id] = calendar
        self.set_rule(calendar, {"type": "user", "value": actor.email}, "owner")
        self.show(calendar, actor.email)
        self.changed(calendar, "calendar", calendar_id, "create", actor.email, **kept)
        return calendar

    def primary_of(self, email: str) -> Calendar:
        """Everybody has one, under the address."""
        known = self.calendars.get(email)
        return known or self._add(email, {"summary": email}, Actor(email, None), primary=True)

    def calendar(self, name: str, email: str) -> Calendar:
        """As this account sees it; 404 where it is not there or not shown to it."""
        if name in ("primary", email):
            return self.primary_of(email)
        found = self.calendars.get(name)
        if found is None or found.role_of(email) == "none":
            raise not_found()
        return found

    def drop(self, calendar: Calendar, by: str) -> None:
        """Delete a calendar, with all that is in it, from every list."""
        self.calendars.pop(calendar.id, None)
        for entries in self.lists.values():
            self._hide(entries.get(calendar.id))
        self.changed(calendar, "calendar", calendar.id, "delete", by)

    # -- rights -----------------------------------------------------------------------------------------------------

    def set_rule(self, calendar: Calendar, scope: Mapping[str, str], role: str) -> Rule:
        """Add or replace; sync tokens of the calendar are over where it changes anything."""
        rule = Rule(dict(scope), role, self.next_version(), self.next_seq())
        before = calendar.rules.get(rule.id)
        if before is not None and before.role == role:
            return before
        calendar.rules[rule.id] = rule
        calendar.epoch += 1
        return rule

    def revoke(self, calendar: Calendar, rule_id: str) -> None:
        """Take a rule away, which stays as a `none` for those who sync the list of rules."""
        rule = calendar.rules[rule_id]
        self.set_rule(calendar, rule.scope, "none")
        value = rule.scope.get("value", "")
        if rule.scope["type"] == "user" and calendar.role_of(value) == "none":
            self._hide(self.lists.get(value, {}).get(calendar.id))

    # -- lists ------------------------------------------------------------------------------------------------------

    def show(self, calendar: Calendar, email: str, look: Mapping[str, Any] | None = None) -> Entry:
        """Put a calendar into somebody's list."""
        entry = Entry(calendar.id, dict(look or {}), self.next_version(), self.next_seq())
        self.lists.setdefault(email, {})[calendar.id] = entry
        return entry

    def entries(self, email: str) -> dict[str, Entry]:
        """Somebody's list, deleted ones included."""
        self.primary_of(email)
        return self.lists[email]

    def hide(self, entry: Entry) -> None:
        """Take it out of a list."""
        self._hide(entry)

    def _hide(self, entry: Entry | None) -> None:
        if entry is not None and not entry.deleted:
            entry.deleted, entry.seq, entry.version = True, self.next_seq(), self.next_version()
