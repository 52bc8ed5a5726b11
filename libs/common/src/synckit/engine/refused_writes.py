"""What becomes of a look of which a remote refuses a part: planned anew without it, told at the record, remembered."""

from __future__ import annotations

from synckit.engine.companion import Companion, ListWork
from synckit.engine.look import Look
from synckit.engine.notes import marker_of, single
from synckit.engine.quoting import LONGEST_IN_STATE, shown
from synckit.engine.refused import REJECTED, StillRefused, told
from synckit.engine.writer import Writer
from synckit.errors import PermanentError, RemoteRejected
from synckit.reconcile.plan import Notice, NoticeKind, Plan, Side

MAX_REFUSALS = 40
"""In one look. What is left is left to the next one, which knows of those."""


class RefusedWrites:
    """Of one entity's records."""

    def __init__(self, writer: Writer, companion: Companion | None) -> None:
        self._writer = writer
        self._companion = companion
        self._mapping = writer.mapping
        self._remotes = writer.remotes

    def leave_out(self, look: Look, plan: Plan, lists: ListWork, error: RemoteRejected) -> None:
        """What a remote refuses is left out, and the rest is planned anew. Raises the error where it names nothing."""
        if isinstance(error, StillRefused):
            raise error
        look.note_refusal(error)
        left, right = look.pair()
        sides = self._writer.values(Side.LEFT, left), self._writer.values(Side.RIGHT, right)
        refusals, is_left = self._writer.refusals, error.upstream == Side.LEFT.system
        is_known = len(look.refused) <= MAX_REFUSALS and (
            refusals.take(look, plan, error, sides)
            or (is_left and self._companion is not None and self._companion.take(self._writer, look, lists, error))
            or (is_left and refusals.of_attributes(look, error, look.sent))
        )
        if not is_known:
            refusals.of_all(look, error, Side.LEFT if is_left else Side.RIGHT, look.sent)
            raise error

    def state_patch(self, look: Look, plan: Plan) -> dict[str, object]:
        left, right = look.pair()
        states, link = self._writer.states, self._mapping.link_attributes(right.id, right.version)
        now, by_hand = look.clock.now(), self._writer.by_hand(look, plan)
        patch = states.settled(left.payload, link, now, touched=look.touched, by_hand=by_hand)
        lines = self._told_of_refusals(look, plan, patch)
        if not lines:
            return patch
        return states.refused(left.payload, link, f"{'; '.join(lines)}. Bitte korrigieren.")

    def _told_of_refusals(self, look: Look, plan: Plan, patch: dict[str, object]) -> list[str]:
        """Field, reason and value of all that a side does not take."""
        refusals = self._writer.refusals
        rows = self._companion.refused(look) if self._companion else []
        refusals.stand(look, [known for known, _, _ in rows])
        refusals.stand(look, [look.rejections[d.field] for d in plan.refusals if d.field in look.rejections])
        lines = told(self._mapping, plan.refusals)
        lines += [
            f"{label} {known.reason(known.name)}: {shown(value, LONGEST_IN_STATE)}" for known, label, value in rows
        ]
        return lines + refusals.told(patch, refusals.hits(look, patch))

    def remember(self, look: Look, plan: Plan) -> None:
        """As both sides stand now: what was left out is not tried again until one of them changes."""
        look.causes = {cause for cause in look.causes if not cause.startswith(f"{REJECTED}:")}
        look.standing = {cause for cause in look.standing if not cause.startswith(f"{REJECTED}:")}
        if self._companion is not None:
            self._companion.settle(look)
        left, right = look.pair()
        link, now = self._mapping.link_attributes(right.id, right.version), look.clock.now()
        by_hand = self._writer.by_hand(look, plan)
        self._told_of_refusals(
            look, plan, self._writer.states.settled(left.payload, link, now, touched=False, by_hand=by_hand)
        )
        is_kept = any(cause.startswith(f"{REJECTED}:") for cause in look.standing)
        look.is_refused = is_kept or bool(self._companion and self._companion.refused(look))

    @staticmethod
    def count(look: Look, error: PermanentError) -> None:
        """Also what was only asked, and refused. What was counted where it was refused is not counted twice."""
        if not isinstance(error, RemoteRejected) or isinstance(error, StillRefused):
            return
        if (error.upstream, error.status) not in [(each.upstream, each.status) for each in look.refused]:
            look.note_refusal(error)

    async def commit(self, look: Look, error: PermanentError) -> None:
        """What was written before a refusal is agreed on, and two that were brought together are linked.

        Else it would be written anew with every look.
        """
        right = look.right if isinstance(error, RemoteRejected) else None
        is_adopted = right is not None and look.state.link is None and look.result == "adopted"
        link = self._writer.link_of(look, right) if right is not None and is_adopted else None
        is_known = right is not None and (look.state.link is not None or link is not None)
        await self._writer.commit(look, link=link, base=look.base if is_known else None)

    async def tell_instead(self, look: Look, message: str) -> None:
        """Where the record can't show it, its user is told in a note, once."""
        wording, owner = self._writer.wording(look, readable=False), self._writer.owner(look)
        marker = marker_of(look.left_id, look.state.fence)
        note = single(Notice(NoticeKind.NOT_SHOWN, detail=message), wording, owner, marker)
        await self._writer.announce(look, (note,), tuple(look.state.attempted))
        await self._writer.tell(look)
