"""The brake for sweeps: what a remote tells of one record is not believed where it tells the same nonsense of many.

Only a plan by which something would be lost pays for a question to our memory. Held records are parked, and looked at
again by themselves: whoever lied and stopped costs nobody a click.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from synckit.engine.companion import ListWork
from synckit.engine.doubt import ALL_GONE, NOBODY, Doubt, Evidence, doubted
from synckit.engine.look import Look
from synckit.engine.notes import RELEASED
from synckit.engine.parentage import home_of
from synckit.engine.status import SyncStatus
from synckit.engine.writer import Writer
from synckit.errors import MappingError, RemoteUnavailable
from synckit.ports import BRAKED, BrakeLedger, Link, Parked, Suspicion
from synckit.reconcile.brake import BrakeLimits, Loss, Tally, loss_of
from synckit.reconcile.plan import Base, Plan, Side, Value

DOUBT, SWEEP = "doubt", "sweep"
WITNESSES = 3
MANY = "will in kurzer Zeit zu vieles leeren, löschen oder umbenennen"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a look goes no further. `why`: `doubt` (of this one answer) or `sweep` (of its source).

    `waited`: seconds for which the same was said of this record.
    """

    source: Side
    why: str
    reason: str
    waited: float = 0.0


class SweepBrake:
    """Without a ledger only what contradicts itself is held."""

    def __init__(self, writer: Writer, ledger: BrakeLedger | None, limits: BrakeLimits) -> None:
        self._writer = writer
        self._remotes = writer.remotes
        self._ledger = ledger
        self._limits = limits

    async def plan(self, look: Look, plan: Plan, lists: ListWork) -> Held | None:
        """Asked before anything of a plan is written. RemoteUnavailable where a side shows nothing of the record."""
        left, right = look.pair()
        if not plan.decisions:
            silent = Side.RIGHT if self._writer.values(Side.LEFT, left) else Side.LEFT
            raise RemoteUnavailable(silent.system, "an answer that is not the record")
        if not (lists.patch or lists.rows or any(d.write for d in plan.decisions)):
            return None
        if RELEASED in look.state.notes:
            return None
        doubt = self._doubt(look, plan, lists)
        if doubt is not None:
            return await self._ask(look, doubt.side, Loss.DOUBTED, doubt=doubt.reason)
        policies = self._writer.mapping.policies
        for source, target in ((Side.RIGHT, left), (Side.LEFT, right)):
            now = self._writer.values(source.other, target)
            found = loss_of(source, plan.decisions, now, look.base, policies)
            if found is not None:
                loss, decision = found
                version = right.version if source is Side.RIGHT and loss is Loss.RENAMED else None
                held = await self._ask(look, source, loss, value=decision.written, version=version or "")
                if held is not None:
                    return held
        return None

    async def gone(self, look: Look, side: Side, right_id: str, *, for_good: bool = False) -> Held | None:
        """Asked before a record that its side does not know any more is given up.

        `for_good`: what follows can't be taken back, so that no time makes it believed where all are said to be gone.
        """
        if RELEASED in look.state.notes:
            return None
        doubt = await self._doubt_that_gone(look.left_id, side, right_id)
        held = await self._ask(look, side, Loss.GONE, doubt=doubt)
        if held is None or held.why == SWEEP or doubt != ALL_GONE or for_good:
            return held
        return held if held.waited < self._limits.patience.total_seconds() else None

    async def unreadable(self, look: Look, error: MappingError) -> Held | None:
        """A value that nothing can be made of, where the side says itself that nothing was written since we agreed."""
        evidence = self._evidence(look)
        side = next((each for each in Side if each.value == error.side), None)
        if (
            evidence is None
            or side is None
            or not look.base.knows(error.field)
            or not (evidence.is_unmoved(side) or evidence.is_still_our_write(side))
        ):
            return None
        return await self._ask(look, side, Loss.DOUBTED, doubt="zeigt Werte, die es nicht geben kann")

    async def hold(self, look: Look, held: Held, base: Base | None = None) -> None:
        """Nothing is written but the state, and not even that on a side that is not believed."""
        if look.left is not None and held.source is Side.RIGHT:
            message = f"Angehalten: {held.source.shown} {held.reason}. Wird von selbst wieder geprüft."
            states = self._writer.states
            await self._writer.mark(look, states.troubled(look.left.payload, SyncStatus.CONFLICT, message))
        known = look.state.parked
        if known is None or known.reason != BRAKED:
            self._writer.journal(look, "held", side=held.source.value, rule=f"brake_{held.why}")
        source = held.source.system
        look.to_park = Parked(look.left_id, 0, look.clock.now() + self._limits.retry, BRAKED, source)
        # Parked over what is parked: what waits no more would be forgotten as a suspect.
        await self._writer.commit(look, base=base, unpark=False)
        look.unparked = True
        look.result, look.held_by = "held", (source, held.why)

    async def _ask(
        self, look: Look, source: Side, loss: Loss, *, doubt: str = "", value: Value = None, version: str = ""
    ) -> Held | None:
        if self._ledger is None:
            return Held(source, DOUBT, doubt) if doubt else None
        now = look.clock.now()
        if doubt and doubt != ALL_GONE:
            loss = Loss.DOUBTED
        suspicion = Suspicion(source, look.left_id, loss, now, str(value or ""), version)
        tally = await self._ledger.count(suspicion, self._limits)
        if tally.released:
            return None
        return await self._judge(source, tally, doubt, now)

    async def _judge(self, source: Side, tally: Tally, doubt: str, now: datetime) -> Held | None:
        exceeds = tally.exceeds(self._limits)
        if exceeds and self._ledger is not None:
            await self._ledger.engage(source, now, tally, self._limits)
        if doubt or tally.lent:
            reason = doubt or "zeigt den Stand eines anderen Datensatzes"
            return Held(source, SWEEP if exceeds else DOUBT, reason, tally.waited)
        return Held(source, SWEEP, MANY) if exceeds else None

    async def _doubt_that_gone(self, left_id: str, side: Side, right_id: str) -> str:
        """ "" where the side still knows one of a few other records, or there are none to ask about.

        A row's siblings are not asked about: they are lost with the same parent.
        """
        if self._ledger is None:
            return ""
        home = home_of(self._writer.mapping.child_of, Link(left_id, right_id))
        witnesses = await self._ledger.witnesses(left_id, WITNESSES, home)
        store = self._remotes.left if side is Side.LEFT else self._remotes.right
        for link in (each.link for each in witnesses):
            if await store.read(link.left_id if side is Side.LEFT else link.right_id) is not None:
                return ""
        if not witnesses:
            return ""
        return ALL_GONE if all(each.suspected for each in witnesses) else NOBODY

    def _doubt(self, look: Look, plan: Plan, lists: ListWork) -> Doubt | None:
        evidence = self._evidence(look)
        if evidence is None:
            return None
        mapping = self._writer.mapping
        now = {
            Side.LEFT: self._writer.values(Side.LEFT, evidence.left),
            Side.RIGHT: self._writer.values(Side.RIGHT, evidence.right),
        }
        return doubted(
            evidence,
            look.base,
            now,
            plan.decisions,
            essential=frozenset(p.name for p in mapping.policies if p.essential),
            lists=frozenset(side for side, work in ((Side.LEFT, lists.patch), (Side.RIGHT, lists.rows)) if work),
        )

    def _evidence(self, look: Look) -> Evidence | None:
        link, left, right = look.state.link, look.left, look.right
        if link is None or link.tombstone or left is None or right is None:
            return None
        claims = self._writer.mapping.linked_to(left.payload, home_of(self._writer.mapping.child_of, link))
        return Evidence(
            link, look.state.looked_at, look.state.notes, left, right, claims, broken_off=bool(look.state.attempted)
        )
