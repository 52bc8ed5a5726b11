"""Rows that a desk made become records on the left: once each, without a twin, and never refused in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recordsync.act.intents import Posts
from recordsync.act.store import Store
from recordsync.decide.facts import owner_of, there
from recordsync.decide.refused import causes_of
from recordsync.frozen import replace
from recordsync.mapping.child import ChildOf
from recordsync.mapping.field import EntityMapping
from recordsync.memory.look import Memory
from recordsync.notes import Wording, marker_of, single
from recordsync.observation import Observation
from recordsync.quoting import shown
from recordsync.refusals import Rejection, digest, names_in, refused, rejection
from recordsync.rules import EngineSettings, Rules
from synckit.errors import MappingError, RemoteRejected
from synckit.ports import IMPORT, Clock, FindableStore, Intent, Lease, LinkStore, Snapshot
from synckit.reconcile.plan import EMPTY, Canonical, Notice, NoticeKind, Side

Row = Mapping[str, Any]
NOT_IMPORTED = NoticeKind.NOT_IMPORTED.value
TWICE = "die Angabe steht dort doppelt, EspoCRM hat sie schon"
UNREADABLE = "die Angabe ist nicht lesbar"
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Children:
    """The ports of one entity whose records belong to a parent. `topic`: where an event wakes one of them."""

    mapping: EntityMapping
    links: LinkStore
    left: FindableStore
    topic: str

    @property
    def child(self) -> ChildOf:
        if self.mapping.child_of is None:
            raise AssertionError("a record that stands alone is nobody's child")
        return self.mapping.child_of


@dataclass(frozen=True, slots=True)
class Held:
    """What a look has while its record is locked. `store`, `rules`: of the parent itself."""

    lease: Lease
    clock: Clock
    store: Store
    rules: Rules


@dataclass(frozen=True, slots=True)
class Stranger:
    """A row that no record of the left is known for. `values`: in canonical form, once they could be read."""

    children: Children
    right_id: str
    row: Row
    values: Canonical = field(default_factory=lambda: EMPTY)

    @property
    def name(self) -> str:
        """Under which its refusal is remembered with its parent."""
        return f"{self.children.mapping.entity}/{self.children.child.row_of(self.right_id)}"

    @property
    def version(self) -> str:
        return str(self.row["rowId"])

    @property
    def told_of(self) -> str:
        """Its version, in as many characters as a digest has. A row id is nobody's secret."""
        return digest(self.version, key=b"")

    @property
    def cause(self) -> str:
        """Of the one note that is told of it while it stays as it is."""
        return f"{NOT_IMPORTED}:{self.name}:{digest(self.version, key=b'')}"


Taken = tuple[Memory, str]
"""The parent's memory, and the left id of the record that is there for a row now; "" where it is not taken over."""


class Imports:
    """Called with the parent's lock held."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    async def take_over(self, memory: Memory, seen: Observation, held: Held, stranger: Stranger) -> Taken:
        """Its own look links the two, which ends the intent."""
        known = memory.rejections.get(stranger.name)
        if known is not None and known.about == stranger.told_of:
            return _stands(memory, known, stranger), ""
        mapping = stranger.children.mapping
        try:
            stranger = replace(stranger, values=mapping.read(Side.RIGHT, stranger.row))
        except MappingError:
            unreadable = Rejection(stranger.name, Side.LEFT, 0, "", stranger.told_of, held.clock.now())
            return await self._refused(memory, seen, held, stranger, (unreadable, UNREADABLE)), ""
        body = mapping.for_left(stranger.values)
        if not body:
            return memory, ""
        try:
            return await self._made(memory, seen, held, stranger, body)
        except RemoteRejected as exc:
            memory = replace(memory, refused=(*memory.refused, refused(exc)))
            known = _rejection(stranger, exc, held)
            return await self._refused(memory, seen, held, stranger, (known, _why(stranger, known, exc))), ""

    async def _made(
        self, memory: Memory, seen: Observation, held: Held, stranger: Stranger, body: dict[str, Any]
    ) -> Taken:
        children, mapping = stranger.children, stranger.children.mapping
        claims = mapping.link_attributes(stranger.right_id, stranger.version)
        belongs = {mapping.link_attribute: claims[mapping.link_attribute], children.child.attribute: memory.left_id}
        identity = {"identity": children.child.identity(stranger.row)} if children.child.identity_field else {}
        asked = Intent(f"{IMPORT}{stranger.right_id}", {**belongs, **identity}, held.clock.now())
        # An earlier POST whose answer was lost: EspoCRM has no unique key for it, so it is asked each time.
        already = await children.left.find(belongs)
        if already:
            return memory, already[0]
        same, is_taken = await self._with_its_identity(memory, seen, stranger)
        if is_taken:
            twice = Rejection(stranger.name, Side.LEFT, 409, "", stranger.told_of, held.clock.now())
            return await self._refused(memory, seen, held, stranger, (twice, TWICE)), ""
        if same:
            return memory, same
        new = {**body, **claims, **belongs, "syncStatus": "pending_sync"}
        memory, made = await self._posted(memory, held, stranger, asked, new)
        memory = replace(memory, left_writes=memory.left_writes + 1)
        return _noted(memory, "imported", children, held), made.id

    async def _with_its_identity(self, memory: Memory, seen: Observation, stranger: Stranger) -> tuple[str, bool]:
        """A record of the same parent that is the same already: not linked yet, or linked to another of its rows."""
        children = stranger.children
        name = children.child.identity_field
        wanted = stranger.values.get(name) if name else None
        if wanted is None:
            return "", False
        for left_id in await children.left.find({children.child.attribute: memory.left_id}):
            link = await children.links.peek(left_id)
            found = await children.left.read(left_id) if link is None or not link.tombstone else None
            if found is None or _value_of(children, name, found) != wanted:
                continue
            if link is None:
                return left_id, False
            if _is_shown(seen, children, link.right_id):
                return "", True
        return "", False

    async def _posted(
        self, memory: Memory, held: Held, stranger: Stranger, asked: Intent, new: dict[str, Any]
    ) -> tuple[Memory, Snapshot]:
        """Without the fields that the left refuses: the record's own look tells of them."""
        while True:
            try:
                return memory, await self._post(held, stranger.children, asked, new)
            except RemoteRejected as exc:
                own = {name for name in names_in(exc, new) if stranger.children.mapping.field_at(Side.LEFT, name)}
                dropped = {name for name in own if new[name] is not None}
                if not dropped:
                    raise
                memory = replace(memory, refused=(*memory.refused, refused(exc)))
                new = {name: value for name, value in new.items() if name not in dropped}

    async def _post(self, held: Held, children: Children, asked: Intent, new: Row) -> Snapshot:
        """`asked`: the intent as it would be from when we asked for the record, and EspoCRM had none."""
        posts, key = Posts(children.links, held.clock, self._settings), asked.left_id
        state = await children.links.load(key)
        if state.intent is not None:
            # The question was asked after the intent, yet the POST may land later still: only once its time is over,
            # again.
            posts.ensure_settled(state.intent, asked.declared_at, "espocrm")
            await posts.drop(key, state.fence)
        intent = replace(asked, declared_at=held.clock.now())
        return await posts.send(held.lease, intent, state.fence, lambda: children.left.create(new))

    async def _refused(
        self, memory: Memory, seen: Observation, held: Held, stranger: Stranger, why: tuple[Rejection, str]
    ) -> Memory:
        """Told once, as long as the row stays as it is; remembered with the parent."""
        known, words = why
        memory = _noted(memory, NOT_IMPORTED, stranger.children, held, str(known.status or "mapping"))
        memory = replace(memory, rejections={**memory.rejections, stranger.name: known})
        memory = _stands(memory, known, stranger)
        wording = Wording(stranger.children.mapping, stranger.right_id, stranger.values)
        notice = Notice(NoticeKind.NOT_IMPORTED, detail=words)
        marker = marker_of(memory.left_id, memory.state.fence)
        note = replace(single(notice, wording, owner_of(memory, seen, held.rules), marker), cause=stranger.cause)
        if note.cause in memory.known_causes:
            return memory
        await held.store.announce(memory, memory.attempted, (note,))
        return replace(memory, told=(*memory.told, note))


def _stands(memory: Memory, known: Rejection, stranger: Stranger) -> Memory:
    return replace(
        memory,
        standing=memory.standing | causes_of([known]),
        causes=memory.causes | causes_of([known]) | {stranger.cause},
    )


def _noted(memory: Memory, step: str, children: Children, held: Held, rule: str = "") -> Memory:
    return memory.noting(held.clock.now(), step, field=children.mapping.entity, side=Side.LEFT.value, rule=rule)


def _rejection(stranger: Stranger, error: RemoteRejected, held: Held) -> Rejection:
    """Remembered where it says why, or that we may not: then it stays so for a while."""
    known = rejection(error, stranger.name, Side.LEFT, held.clock.now(), stranger.told_of)
    return replace(known, is_kept=error.field is not None or error.status != BAD_REQUEST)


def _value_of(children: Children, name: str, found: Snapshot) -> object:
    try:
        return children.mapping.read(Side.LEFT, found.payload).get(name)
    except MappingError:
        return None


def _is_shown(seen: Observation, children: Children, right_id: str) -> bool:
    right = there(seen.right)
    return right is not None and right_id in children.child.rows(right.payload, right.id)


def _why(stranger: Stranger, known: Rejection, error: RemoteRejected) -> str:
    """Field, reason and value, where the left names one."""
    mapping, why = stranger.children.mapping, f", {known.words}" if known.words else ""
    name = mapping.field_at(Side.LEFT, error.field or "")
    if name is None:
        named = f" (Feld {error.field})" if error.field else ""
        return f"EspoCRM nimmt sie nicht an{why}{named}; {known.code}"
    value = shown(mapping.shown(name, stranger.values.get(name)))
    return f"{mapping.label(name)} {known.reason(error.field or name)}: {value}"
