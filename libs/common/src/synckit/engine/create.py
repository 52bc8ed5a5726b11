"""A create that can't make a twin: the intent is committed before the POST, and whoever finds one looks first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from synckit.engine.look import EngineSettings, Look
from synckit.engine.posts import Posts
from synckit.engine.refused import digest, rejection
from synckit.engine.writer import Writer, linked
from synckit.errors import Ambiguous, RemoteRejected
from synckit.ports import Intent, Payload, Snapshot
from synckit.reconcile.plan import Base, Canonical, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable

ALREADY_THERE = 409
CLOCK_SKEW = timedelta(hours=1)
"""How far a remote's clock may be off beside what was measured of it."""


class Creator:
    """Left exists, right does not, and there is no link."""

    def __init__(self, writer: Writer, settings: EngineSettings) -> None:
        self._writer = writer
        self._remotes = writer.remotes
        self._mapping = writer.mapping
        self._posts = Posts(self._remotes.links, settings)

    async def create(self, look: Look, left: Snapshot) -> str | None:
        """Leaves `look` linked, with a base. MappingError where the right can't hold the record.

        A right id where the right has the very record already (409): nothing was created then, nor linked.
        """
        values = self._writer.values(Side.LEFT, left)
        intent = look.state.intent
        found = await self.recover(look, intent) if intent else None
        if found and intent and self._is_anothers(found, intent.fingerprint):
            await self._posts.drop(look, look.left_id, look.state.fence)
            return found.id
        look.result = "recovered" if found else "created"
        if found is None:
            made = await self._made(look, values)
            if isinstance(made, str):
                return made
            found = made
        base = self._base(look, values, self._writer.values(Side.RIGHT, found))
        look.right, look.base, look.touched = found, base, True
        link = self._writer.link_of(look, found)
        if look.result == "recovered":
            # The base is what was posted: the left may have been edited since, and this look be broken off.
            link = replace(link, left_seen_at=None)
        self._writer.journal(look, look.result, side=Side.RIGHT.value)
        await self._writer.commit(look, link=link, base=base, unpark=False)
        look.state = linked(look.state, link, base)
        return None

    async def _made(self, look: Look, values: Canonical) -> Snapshot | str:
        """The record, without the fields that are refused; the number of the very same that is there already."""
        while True:
            body = self._body(look, values)
            self._writer.ensure_not_refused(look, Side.RIGHT, body)
            try:
                return await self._post(look, body)
            except RemoteRejected as exc:
                if exc.status == ALREADY_THERE and (there := await self._already_there(body)) is not None:
                    return there
                look.note_refusal(exc)
                if not self._leave_out(look, values, exc):
                    self._writer.refusals.of_all(look, exc, Side.RIGHT, body)
                    raise

    def _leave_out(self, look: Look, values: Canonical, error: RemoteRejected) -> bool:
        """False where the record is nothing without it, or where it is none of ours."""
        name = self._mapping.field_at(Side.RIGHT, error.field or "")
        policy = next((p for p in self._mapping.policies if p.name == name), None)
        if name is None or policy is None or policy.essential or values.get(name) is None:
            return False
        if name in self._mapping.kind_fields or name in self._left_out(look, values):
            return False
        at, about = look.clock.now(), digest(values[name], None)
        look.rejections[name] = rejection(error, name, Side.RIGHT, at, about)
        self._writer.refusals.stand(look, [look.rejections[name]])
        return True

    def _left_out(self, look: Look, values: Canonical) -> set[str]:
        """Fields that the right does not take as they are."""
        return {
            name
            for name, known in look.rejections.items()
            if known.side is Side.RIGHT and known.about == digest(values.get(name), None)
        }

    def _body(self, look: Look, values: Canonical) -> dict[str, Any]:
        values = {**values, **dict.fromkeys(self._left_out(look, values))}
        body, child = self._mapping.for_create(values), self._mapping.child_of
        if child is None or look.parent is None:
            return body
        return {**body, **child.stamp(look.left_id), child.number: look.parent.right_id}

    async def _already_there(self, body: Payload) -> str | None:
        """The one row of the parent that has the identity of what was to be created."""
        if self._mapping.child_of is None:
            return None
        found = await self._remotes.right.candidates(body, None)
        return found[0].id if len(found) == 1 else None

    async def recover(self, look: Look, intent: Intent) -> Snapshot | None:
        """What an earlier POST left behind. None: nothing, and nothing can arrive any more."""
        look.lease.ensure()
        asked_at = look.clock.now()
        since = None if self._mapping.child_of is not None else intent.declared_at - CLOCK_SKEW
        ours = await self._made_by(intent, since)
        if ours is None:
            self._posts.ensure_settled(intent, asked_at, "advoware")
            # The remote's clock may be wrong by any amount: the whole list, once, before a second POST.
            ours = await self._made_by(intent, None) if since is not None else None
        if ours is not None:
            return ours
        await self._posts.drop(look, look.left_id, look.state.fence)
        return None

    async def _made_by(self, intent: Intent, since: datetime | None) -> Snapshot | None:
        """The one that nobody is linked to, and that shows what was posted. Ambiguous where there are several."""
        found = await self._remotes.right.candidates(intent.fingerprint, since)
        taken = await self._remotes.links.linked([c.id for c in found]) if found else {}
        ours = [c for c in found if c.id not in taken and self._looks_like(c, intent.fingerprint)]
        if len(ours) > 1:
            raise Ambiguous("several parties look like the one that was being created", tuple(c.id for c in ours))
        return ours[0] if ours else None

    async def _post(self, look: Look, body: Payload) -> Snapshot:
        intent = Intent(look.left_id, body, look.clock.now())
        fence = look.state.fence
        created = await self._posts.send(look, intent, fence, lambda: self._remotes.right.create(body))
        look.right_writes += 1
        return created

    def _is_anothers(self, found: Snapshot, fingerprint: Payload) -> bool:
        """A row with the identity of what we posted, unmarked and with other values, was there before us."""
        child = self._mapping.child_of
        return child is not None and not child.owner(found.payload) and not self._is_equal(found, fingerprint)

    def _looks_like(self, candidate: Snapshot, fingerprint: Payload) -> bool:
        if self._mapping.child_of is not None:
            return True  # Found by its identity, which no other row has.
        return self._is_equal(candidate, fingerprint)

    def _is_equal(self, candidate: Snapshot, fingerprint: Payload) -> bool:
        shown = self._writer.values(Side.RIGHT, candidate)
        posted = self._mapping.read(Side.RIGHT, fingerprint)
        alike = {p.name: p.alike for p in self._mapping.policies}
        return all(alike[name](shown.get(name), value) for name, value in posted.items())

    def _base(self, look: Look, left: Canonical, right: Canonical) -> Base:
        """What both agreed on by the POST. Where it was another's and left has moved since, what left held then."""
        fresh, left_out = look.result == "created", self._left_out(look, left)
        base_left: dict[str, Value] = {}
        base_right: dict[str, Value] = {}
        unposted = self._mapping.unposted(left)
        for policy in self._mapping.policies:
            name = policy.name
            if not self._mapping.posts(name) or name not in right or name not in left or name in left_out:
                continue
            if policy.name in unposted:
                continue  # Nothing was agreed: what follows the POST tells a user that it is missing there.
            try:
                posted = left[policy.name] if fresh else _held_then(policy, left[policy.name], right[policy.name])
                base_left[policy.name] = posted
                base_right[policy.name] = right[policy.name]
            except Unmappable:
                continue
        return Base(base_left, base_right)


def _held_then(policy: FieldPolicy, left: Value, right: Value) -> Value:
    return left if policy.agree(left, right) else policy.to_left(right)
