"""Rows that a desk made become records on the left: once each, without a twin, and never refused in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from synckit.engine.look import EngineSettings, Look
from synckit.engine.notes import Wording, marker_of, single
from synckit.engine.posts import Posts
from synckit.engine.quoting import shown
from synckit.engine.refused import Rejection, digest, names_in, rejection
from synckit.engine.writer import Writer
from synckit.errors import MappingError, RemoteRejected
from synckit.mapping.child import ChildOf
from synckit.mapping.field import EntityMapping
from synckit.ports import IMPORT, FindableStore, Intent, JournalEntry, LinkStore, Snapshot
from synckit.reconcile.plan import Canonical, Notice, NoticeKind, Side

Row = Mapping[str, Any]
NOT_IMPORTED = NoticeKind.NOT_IMPORTED.value
TWICE = "die Angabe steht dort doppelt, EspoCRM hat sie schon"
UNREADABLE = "die Angabe ist nicht lesbar"
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Kin:
    """The ports of one entity of children."""

    mapping: EntityMapping
    links: LinkStore
    left: FindableStore

    @property
    def child(self) -> ChildOf:
        if self.mapping.child_of is None:
            raise AssertionError("a record that stands alone is nobody's kin")
        return self.mapping.child_of


@dataclass(frozen=True, slots=True)
class Stranger:
    """A row that no record of the left is known for."""

    kin: Kin
    right_id: str
    row: Row

    @property
    def name(self) -> str:
        """Under which its refusal is remembered with its parent."""
        return f"{self.kin.mapping.entity}/{self.kin.child.row_of(self.right_id)}"

    @property
    def version(self) -> str:
        return str(self.row["rowId"])

    @property
    def cause(self) -> str:
        """Of the one note that is told of it while it stays as it is."""
        return f"{NOT_IMPORTED}:{self.name}:{digest(self.version)}"


class Imports:
    """Called with the parent's lock held."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    async def take_over(self, look: Look, writer: Writer, stranger: Stranger) -> str | None:
        """The left id of the record that is there for it now. None where it is not taken over.

        Its own look links the two, which ends the intent.
        """
        known = look.rejections.get(stranger.name)
        if known is not None and known.about == digest(stranger.version):
            writer.refusals.stand(look, [known])
            look.causes.add(stranger.cause)
            return None
        mapping = stranger.kin.mapping
        try:
            right = mapping.read(Side.RIGHT, stranger.row)
        except MappingError:
            await self._is_refused(look, writer, stranger, {}, self._unreadable(look, stranger), UNREADABLE)
            return None
        body = mapping.for_left(right)
        if not body:
            return None
        try:
            return await self._made(look, writer, stranger, right, body)
        except RemoteRejected as exc:
            look.note_refusal(exc)
            known = self._rejection(look, stranger, exc)
            await self._is_refused(look, writer, stranger, right, known, _why(stranger, known, exc, right))
            return None

    async def _made(
        self, look: Look, writer: Writer, stranger: Stranger, right: Canonical, body: dict[str, Any]
    ) -> str | None:
        kin, mapping = stranger.kin, stranger.kin.mapping
        claims = mapping.link_attributes(stranger.right_id, stranger.version)
        belongs = {mapping.link_attribute: claims[mapping.link_attribute], kin.child.attribute: look.left_id}
        identity = {"identity": kin.child.identity(stranger.row)} if kin.child.identity_field else {}
        asked = Intent(f"{IMPORT}{stranger.right_id}", {**belongs, **identity}, look.clock.now())
        there = await kin.left.find(belongs)
        if there:
            return there[0]
        same, is_taken = await self._with_its_identity(look, stranger, right)
        if is_taken:
            twice = Rejection(stranger.name, Side.LEFT, 409, "", digest(stranger.version), look.clock.now())
            await self._is_refused(look, writer, stranger, right, twice, TWICE)
            return None
        if same:
            return same
        made = await self._posted(look, stranger, asked, {**body, **claims, **belongs, "syncStatus": "pending_sync"})
        look.left_writes += 1
        self._journal(look, "imported", kin, "")
        return made.id

    async def _with_its_identity(self, look: Look, stranger: Stranger, right: Canonical) -> tuple[str, bool]:
        """A record of the same parent that is the same already: not linked yet, or linked to another of its rows."""
        kin = stranger.kin
        name = kin.child.identity_field
        wanted = right.get(name) if name else None
        if wanted is None:
            return "", False
        for left_id in await kin.left.find({kin.child.attribute: look.left_id}):
            link = await kin.links.peek(left_id)
            found = await kin.left.read(left_id) if link is None or not link.tombstone else None
            if found is None or self._value_of(kin, name, found) != wanted:
                continue
            if link is None:
                return left_id, False
            if self._is_shown(look, kin, link.right_id):
                return "", True
        return "", False

    @staticmethod
    def _value_of(kin: Kin, name: str, found: Snapshot) -> object:
        try:
            return kin.mapping.read(Side.LEFT, found.payload).get(name)
        except MappingError:
            return None

    @staticmethod
    def _is_shown(look: Look, kin: Kin, right_id: str) -> bool:
        payload = look.right.payload if look.right else {}
        return look.right is not None and right_id in kin.child.rows(payload, look.right.id)

    async def _posted(self, look: Look, stranger: Stranger, asked: Intent, new: dict[str, Any]) -> Snapshot:
        """Without the fields that the left refuses: the record's own look tells of them."""
        while True:
            try:
                return await self._post(look, stranger.kin, asked, new)
            except RemoteRejected as exc:
                own = {name for name in names_in(exc, new) if stranger.kin.mapping.field_at(Side.LEFT, name)}
                dropped = {name for name in own if new[name] is not None}
                if not dropped:
                    raise
                look.note_refusal(exc)
                new = {name: value for name, value in new.items() if name not in dropped}

    async def _post(self, look: Look, kin: Kin, asked: Intent, new: Row) -> Snapshot:
        """`asked`: the intent as it would be from when we asked for the record, and EspoCRM had none."""
        posts, key = Posts(kin.links, self._settings), asked.left_id
        state = await kin.links.load(key)
        if state.intent is not None:
            posts.ensure_settled(state.intent, asked.declared_at, "espocrm")
            await posts.drop(look, key, state.fence)
        intent = replace(asked, declared_at=look.clock.now())
        return await posts.send(look, intent, state.fence, lambda: kin.left.create(new))

    async def _is_refused(
        self, look: Look, writer: Writer, stranger: Stranger, right: Canonical, known: Rejection, why: str
    ) -> None:
        """Told once, as long as the row stays as it is; remembered with the parent."""
        self._journal(look, NOT_IMPORTED, stranger.kin, str(known.status or "mapping"))
        look.rejections[stranger.name] = known
        writer.refusals.stand(look, [known])
        wording = Wording(stranger.kin.mapping, stranger.right_id, right)
        notice = Notice(NoticeKind.NOT_IMPORTED, detail=why)
        marker = marker_of(look.left_id, look.state.fence)
        note = single(notice, wording, writer.owner(look), marker)
        await writer.announce(look, (replace(note, cause=stranger.cause),), tuple(look.attempted.values()))

    def _rejection(self, look: Look, stranger: Stranger, error: RemoteRejected) -> Rejection:
        """Remembered where it says why, or that we may not: then it stays so for a while."""
        known = rejection(error, stranger.name, Side.LEFT, look.clock.now(), digest(stranger.version))
        return replace(known, is_kept=error.field is not None or error.status != BAD_REQUEST)

    def _unreadable(self, look: Look, stranger: Stranger) -> Rejection:
        return Rejection(stranger.name, Side.LEFT, 0, "", digest(stranger.version), look.clock.now())

    def _journal(self, look: Look, step: str, kin: Kin, rule: str) -> None:
        at, cause = look.clock.now(), look.cause
        entity = kin.mapping.entity
        look.journal.append(
            JournalEntry(at, step, entity, "left", rule, event_id=cause.event_id, traceparent=cause.traceparent)
        )


def _why(stranger: Stranger, known: Rejection, error: RemoteRejected, right: Canonical) -> str:
    """Field, reason and value, where the left names one."""
    mapping, why = stranger.kin.mapping, f", {known.words}" if known.words else ""
    name = mapping.field_at(Side.LEFT, error.field or "")
    if name is None:
        named = f" (Feld {error.field})" if error.field else ""
        return f"EspoCRM nimmt sie nicht an{why}{named}; {known.code}"
    value = shown(mapping.shown(name, right.get(name)))
    return f"{mapping.label(name)} {known.reason(error.field or name)}: {value}"
