"""The engine: lock, remember, read both sides now, decide, write, remember. Every step may be the last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from synckit.engine import resume, status
from synckit.engine.brake import SweepBrake
from synckit.engine.companion import Companion, ListWork
from synckit.engine.create import Creator
from synckit.engine.doubt import REFUSED
from synckit.engine.family import Family
from synckit.engine.gone import Undertaker
from synckit.engine.look import Cause, EngineSettings, Look, Outcome, Remotes, StoreTime, both
from synckit.engine.notes import FAILED_FOR_GOOD, RELEASED, announce, is_due, marker_of, single
from synckit.engine.parentage import Parentage
from synckit.engine.parking import Parking
from synckit.engine.refused import refusing
from synckit.engine.refused_writes import RefusedWrites
from synckit.engine.remembered import as_read_today
from synckit.engine.repeat import Repeats
from synckit.engine.resume import attempts, reached, resumed
from synckit.engine.status import SyncStatus
from synckit.engine.writer import Writer
from synckit.errors import (
    AuthenticationRefused,
    CredentialsRefused,
    Locked,
    MappingError,
    PermanentError,
    RemoteRejected,
    StaleVersion,
    SyncError,
    TransientError,
)
from synckit.mapping.derived import planned
from synckit.mapping.field import EntityMapping
from synckit.ports import Link, Snapshot
from synckit.reconcile.plan import Base, Canonical, Notice, NoticeKind, Plan, Side
from synckit.reconcile.three_way import Seen

MAX_ROUNDS = 4


class Engine:
    """Syncs one record of one entity at a time. Webhook, tick, replay, retry and a person's click all come here."""

    def __init__(
        self,
        mapping: EntityMapping,
        remotes: Remotes,
        settings: EngineSettings | None = None,
        family: Family | None = None,
        companion: Companion | None = None,
    ) -> None:
        chosen = settings or EngineSettings()
        self._mapping = mapping
        self._remotes = remotes
        self._writer = Writer(mapping, remotes)
        self._creator = Creator(self._writer, chosen)
        self._parentage = Parentage(self._writer)
        self._parking = Parking(self._writer)
        self._brake = SweepBrake(self._writer, remotes.brake, chosen.brake)
        self._undertaker = Undertaker(self._writer, self._parentage, self._brake, chosen)
        self._family = family
        self._companion = companion
        self._right_timeout = chosen.right_timeout
        self._refused = RefusedWrites(self._writer, companion)
        self._repeats = Repeats(self._writer, self._parentage, companion)

    async def sync(self, left_id: str, cause: Cause | None = None) -> Outcome:
        """Looks at one record and brings both sides in step.

        Raises TransientError where it is worth trying again; what can't be mended by trying again is shown in the
        record's own state and is an Outcome. PermanentError only where not even that could be written.
        """
        async with self._remotes.locks.hold(f"{self._mapping.entity}:{left_id}") as lease:
            state = as_read_today(self._mapping, await self._remotes.links.load(left_id))
            # The fence is only worth something if the lock was still ours when it was taken.
            lease.ensure()
            time = StoreTime(state.at, self._remotes.clock)
            look = Look(left_id, state, lease, cause or Cause(), time, link=state.link, base=state.base)
            self._writer.refusals.recall(look)
            if self._family is not None:
                self._family.recall(look)
            try:
                await self._look(look)
                await self._writer.unpark(look)
                if self._family is not None:
                    await self._family.follow(look, state.link, self._writer)
                    await self._writer.commit_journal(look)
            except AuthenticationRefused as exc:
                # Nobody's record is wrong: it waits until a person has mended the credentials.
                await self._writer.commit_journal(look)
                raise _waits_for_us(exc) from None
            except PermanentError as exc:
                await self._failed(look, exc)
            except TransientError as exc:
                await self._writer.commit_journal(look)
                await self._waits(look, exc)
                raise
            return look.outcome()

    async def park(self, left_id: str, error: SyncError) -> SyncStatus:
        """The tries in place are spent: remember when to come back, and show it as far as that goes.

        Raises where even remembering fails: then the caller waits, a stalled partition is better than a lost event.
        """
        async with self._remotes.locks.hold(f"{self._mapping.entity}:{left_id}") as lease:
            state = as_read_today(self._mapping, await self._remotes.links.load(left_id))
            lease.ensure()
            look = Look(left_id, state, lease, Cause(), StoreTime(state.at, self._remotes.clock))
            return await self._parking.park(look, error)

    async def _look(self, look: Look) -> None:
        link = look.state.link
        if link is not None and link.tombstone:
            decided = await self._undertaker.entombed(look, link)
            if decided is None:
                await self._undertaker.tell_what_is_owed(look, link)
                return
            look.state, look.base, look.result = decided, decided.base, "unchanged"
            link = decided.link
        if link is not None:
            await self._linked(look, link)
        else:
            await self._unlinked(look)

    async def _linked(self, look: Look, link: Link) -> None:
        if self._repeats.may_be(look):
            look.left = await self._remotes.left.read(look.left_id)
            if look.left is not None and await self._repeats.tells_nothing(look, link, look.left):
                return
            look.right = await self._remotes.right.read(link.right_id)
        else:
            look.left, look.right = await both(self._read_left(look), self._remotes.right.read(link.right_id))
        if look.left is None and await self._undertaker.left_gone(look, link):
            return
        self._writer.refusals.forget_where_asked(look)
        await self._parentage.find(look)
        self._parentage.require_the_same(look, link)
        if look.right is None and await self._undertaker.right_gone(look, link.right_id):
            return
        if look.left is not None and await self._undertaker.contested(look, look.left, link.right_id):
            return
        await self._in_step(look)

    async def _read_left(self, look: Look) -> Snapshot | None:
        look.left = await self._remotes.left.read(look.left_id)  # known too where the right refuses to be read
        return look.left

    async def _unlinked(self, look: Look) -> None:
        if look.left is None:
            look.left = await self._remotes.left.read(look.left_id)
        left = look.left
        if left is None:
            await self._orphan(look)
            return
        self._writer.refusals.forget_where_asked(look)
        if await self._parentage.is_missing(look):
            return
        right_id = self._mapping.linked_to(left.payload, look.parent.right_id if look.parent else "")
        if right_id is None:
            right_id = await self._creator.create(look, left)
        if right_id is None:
            await self._in_step(look)
            return
        owner = (await self._remotes.links.linked([right_id])).get(right_id)
        if owner is not None:
            await self._undertaker.duplicate(look, right_id, owner)
            return
        look.right = await self._remotes.right.read(right_id)
        if look.right is None and await self._undertaker.right_gone(look, right_id):
            return
        look.result = "adopted"
        await self._in_step(look)

    async def _orphan(self, look: Look) -> None:
        """Gone on the left before it was ever linked: at most a POST of ours is left over."""
        look.result = "nothing"
        intent = look.state.intent
        if intent is None:
            return
        found = await self._creator.recover(look, intent)
        if found is None:
            return
        link = Link(look.left_id, found.id, found.version)
        await self._writer.commit(look, link=link)
        await self._undertaker.left_gone(look, link)

    async def _in_step(self, look: Look) -> None:
        """Rounds of plan and write until what the remotes answered holds no surprise."""
        self._resume(look)
        surprises = 0
        while surprises < MAX_ROUNDS:
            left, right = look.pair()
            plan, seen_left = self._plan(look, left, right)
            lists = self._companion.plan(look, look.clock.now(), self._right_timeout) if self._companion else ListWork()
            held = await self._brake.plan(look, plan, lists)
            if held is not None:
                await self._brake.hold(look, held, look.base)
                return
            if lists.held and not plan.held:
                plan = Plan(plan.decisions, notices=(Notice(NoticeKind.BRAKE, detail=lists.held),), held=lists.held)
            if plan.held:
                await self._hold(look, plan, left)
                return
            try:
                is_done = await self._carry_out(look, plan, seen_left, lists)
            except RemoteRejected as exc:
                self._refused.leave_out(look, plan, lists, exc)
                continue
            if self._companion is not None and self._companion.is_sifting(look):
                continue
            if is_done:
                await self._settle(look, plan)
                return
            surprises += 1
        raise StaleVersion("the record is being edited while it is synced")

    def _resume(self, look: Look) -> None:
        left, right = look.pair()
        shown = self._writer.values(Side.LEFT, left), self._writer.values(Side.RIGHT, right)
        attempted, sides = look.state.attempted, reached(look.base, look.state.attempted, *shown)
        look.attempted.update({a.field: a for a in resume.came_true(attempted, *shown)})
        look.base = resumed(look.base, attempted, *shown)
        rows = self._companion.resume(look) if self._companion else ()
        told = (shown[0], {**shown[1], **{each.field: each.right for each in rows}})
        pending = [n for n in look.state.pending if n.cause != FAILED_FOR_GOOD]  # Untrue once a look came so far.
        look.waiting = [n for n in pending if is_due(n, *told, sides)]

    def _plan(self, look: Look, left: Snapshot, right: Snapshot) -> tuple[Plan, Canonical]:
        seen_left = Seen(self._writer.values(Side.LEFT, left), left.changed_at)
        seen_right = Seen(self._writer.values(Side.RIGHT, right), right.changed_at)
        confirmed = RELEASED in look.state.notes
        known = self._writer.refusals.of_fields(look, seen_left.values, seen_right.values)
        policies = refusing(self._mapping, known, self._mapping.policies)
        plan = planned(self._mapping.derived, policies, look.base, (seen_left, seen_right), confirmed=confirmed)
        return plan, seen_left.values

    async def _carry_out(self, look: Look, plan: Plan, before: Canonical, lists: ListWork) -> bool:
        """Right first: it can fail for good. True where the answers hold nothing but what was expected."""
        look.conflicts += len(plan.conflicts)
        await self._announce(look, plan, lists)
        held = self._writer.values(Side.RIGHT, look.pair()[1])
        if plan.right_writes and await self._writer.write_right(look, plan):
            self._keep_right(look, plan)
            await self._tell_what_did_not_take(look, plan, held)
            look.touched = True
        patch = self._mapping.patch(Side.LEFT, before, plan.left_writes)
        if self._companion is None:
            await self._write_left(look, plan, patch)
            return self._remember(look, plan, before, held)
        written = await self._companion.write(self._writer, look, lists)
        look.base = self._companion.so_far(look, written)
        if await self._companion.is_overtaken(self._writer, look, lists):
            look.touched = look.touched or bool(patch)
            await self._writer.write_left(look, patch)
            self._remember(look, plan, before, held)
            look.base = self._companion.so_far(look, written)
            return False
        await self._write_left(look, plan, {**patch, **lists.patch})
        as_expected = self._remember(look, plan, before, held)
        look.base = self._companion.agreed(look, lists, written)
        return as_expected and self._companion.decide(look).is_empty

    def _keep_right(self, look: Look, plan: Plan) -> None:
        """What is written on the right is agreed on, also where the left refuses what comes next."""
        left, right = look.pair()
        left_now, right_now = self._writer.values(Side.LEFT, left), self._writer.values(Side.RIGHT, right)
        done = [f for f in plan.right_writes if f in left_now and f in right_now]
        look.base = Base(
            {**look.base.left, **{f: left_now[f] for f in done}}, {**look.base.right, **{f: right_now[f] for f in done}}
        )

    async def _write_left(self, look: Look, plan: Plan, patch: dict[str, Any]) -> None:
        """Along with what the look came to, which is the end of a round."""
        look.touched = look.touched or bool(patch)
        await self._writer.write_left(look, {**patch, **self._refused.state_patch(look, plan)})
        look.touched = False  # It is shown now: another round shows only what it writes itself.

    async def _announce(self, look: Look, plan: Plan, lists: ListWork) -> None:
        marker, owner = marker_of(look.left_id, look.state.fence), self._writer.owner(look)
        notes = announce(plan, self._writer.wording(look), owner, marker)
        if self._companion is not None:
            notes += self._companion.notes(lists, marker, owner)
        about_to = (*lists.attempted, *attempts(plan))
        if any(look.has_moved(a.field) for a in about_to):
            # One entry a field: the new one would take with it what tells an earlier write of ours from an edit.
            await self._writer.commit(look, base=look.base, unpark=False)
            look.committed = look.base
        # Of earlier rounds too: their base is not committed yet.
        look.attempted.update({a.field: a for a in about_to})
        await self._writer.announce(look, notes, tuple(look.attempted.values()))

    async def _tell_what_did_not_take(self, look: Look, plan: Plan, held: Canonical) -> None:
        """A field that shows what it held before the write can't be changed from here: told, and not tried again."""
        _, right = look.pair()
        now = self._writer.values(Side.RIGHT, right)
        ignored = [
            Notice(NoticeKind.READ_ONLY, d.field, d.left, held[d.field], d.reason)
            for d in plan.decisions
            if d.field in plan.right_writes and now.get(d.field) == held[d.field] != d.right
        ]
        if ignored:
            fields = {n.field for n in ignored}
            told = (*look.notes, *(n for n in look.state.pending if n not in look.waiting))
            untrue = [n for n in told if n.side == Side.RIGHT.value and n.field in fields]
            if untrue:
                await self._writer.take_back(look, untrue)
            wording, marker = self._writer.wording(look), marker_of(look.left_id, look.state.fence)
            owner = self._writer.owner(look)
            await self._writer.announce(
                look, tuple(single(n, wording, owner, marker) for n in ignored), tuple(look.attempted.values())
            )

    def _remember(self, look: Look, plan: Plan, before: Canonical, held: Canonical) -> bool:
        """The new base is what each side stored. A field that moved although we did not write it is looked at again.

        On the right those are fields that our PUT does not take: an edit at a desk since we read, known by a row id
        that we are about to call seen.
        """
        self._writer.journal_left(look, plan, before)
        left, right = look.pair()
        left_now, right_now = self._writer.values(Side.LEFT, left), self._writer.values(Side.RIGHT, right)
        stored_left = {f: left_now[f] for f in plan.left_writes if f in left_now}
        stored_right = {f: right_now[f] for f in plan.right_writes if f in right_now}
        look.base = Base({**plan.base.left, **stored_left}, {**plan.base.right, **stored_right})
        left_moved = any(left_now.get(f) != value for f, value in before.items() if f not in plan.left_writes)
        right_moved = any(
            right_now[f] != value for f, value in held.items() if f in right_now and f not in plan.right_writes
        )
        return not (left_moved or right_moved)

    async def _settle(self, look: Look, plan: Plan) -> None:
        _, right = look.pair()
        await self._writer.tell(look)
        behind = {REFUSED + d.field for d in plan.refusals} | {REFUSED + name for name in self._unshown(look)}
        look.standing |= behind
        look.causes |= behind
        self._refused.remember(look, plan)
        await self._writer.commit(look, link=self._writer.link_of(look, right), base=look.base, settled=True)
        if look.is_refused:
            look.result = "failed"
        elif plan.refusals:
            look.result = "refused"
        elif look.result == "unchanged" and (look.left_writes or look.right_writes):
            look.result = "updated"

    def _unshown(self, look: Look) -> Iterator[str]:
        """Agreed before, and not in an answer now: its base stays behind the version that we remember."""
        left, right = look.pair()
        shown = self._writer.values(Side.LEFT, left).keys() & self._writer.values(Side.RIGHT, right).keys()
        return (p.name for p in self._mapping.policies if look.base.knows(p.name) and p.name not in shown)

    async def _hold(self, look: Look, plan: Plan, left: Snapshot) -> None:
        """The brake: nothing is written but the state and one note."""
        await self._announce(look, plan, ListWork())
        message = f"Angehalten: {plan.held}. Freigabe durch die IT."
        await self._writer.show(look, self._writer.states.troubled(left.payload, SyncStatus.CONFLICT, message))
        await self._writer.tell(look)
        self._writer.journal(look, "held", rule="brake")
        base = self._companion.seen(look) if self._companion else look.base
        await self._writer.commit(look, base=base, settled=True)
        look.result = "held"

    async def _failed(self, look: Look, error: PermanentError) -> None:
        """Shows the error in the record's own state. Raises it where that is not possible."""
        if look.left is None:
            raise error
        if isinstance(error, MappingError) and (held := await self._brake.unreadable(look, error)) is not None:
            await self._brake.hold(look, held)
            return
        self._refused.count(look, error)
        self._writer.journal(look, "failed", rule=error.code)
        message = status.explain(error, self._mapping)
        patch = self._writer.states.troubled(look.left.payload, SyncStatus.FAILED, message)
        try:
            await self._writer.write_state(look, patch)
        except AuthenticationRefused as exc:
            raise _waits_for_us(exc) from None
        except RemoteRejected:
            await self._refused.tell_instead(look, message)
        except PermanentError:
            raise error from None
        await self._refused.commit(look, error)
        look.result = "failed"

    async def _waits(self, look: Look, error: TransientError) -> None:
        """`syncing` while a retry is due on Advoware. Trouble of any other kind leaves EspoCRM alone."""
        if not isinstance(error, Locked) and getattr(error, "upstream", "") != "advoware":
            return
        shown = look.left.payload.get("syncStatus") if look.left else SyncStatus.SYNCING.value
        if shown not in (SyncStatus.SYNCING.value, SyncStatus.DELETED_IN_ADVOWARE.value):
            await self._writer.mark(look, self._writer.states.syncing())


def _waits_for_us(error: AuthenticationRefused) -> CredentialsRefused:
    return CredentialsRefused(error.upstream, "credentials refused", retry_after=error.retry_after)
