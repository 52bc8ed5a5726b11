"""Asks what a decision wants to know. Reads only; the same for a look and for a person who asks what it would do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from recordsync.frozen import replace
from recordsync.observation import Found, Observation, Parent, Witnesses
from recordsync.ports import Remotes
from recordsync.questions import (
    AskOwner,
    AskParent,
    AskWitnesses,
    Count,
    Question,
    ReadLeft,
    ReadRight,
    ReadRivals,
    Search,
)
from recordsync.rules import Rules
from recordsync.steps import Observe
from synckit.errors import AuthenticationRefused, PermanentError
from synckit.ports import Snapshot, Suspicion
from synckit.reconcile.plan import Side

Answer = Callable[[Observation], Observation]
WITNESSES = 3


class Observer:
    """For the records of one entity. Raises what the remotes raise, the first question's before the second's."""

    def __init__(self, left_id: str, remotes: Remotes, rules: Rules) -> None:
        self._left_id = left_id
        self._remotes = remotes
        self._rules = rules

    async def observe(self, seen: Observation, step: Observe) -> Observation:
        """The facts with the answers to all questions of the step. None of them is left running."""
        told = await asyncio.gather(*(self._answer(each) for each in step.questions), return_exceptions=True)
        refused: PermanentError | None = None
        for answer in told:
            if isinstance(answer, PermanentError) and not isinstance(answer, AuthenticationRefused):
                # A fact like any other: what the other side shows is known all the same, and can show it.
                refused = refused or answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                seen = answer(seen)
        return replace(seen, at=self._remotes.clock.now(), refused=seen.refused or refused)

    async def _answer(self, question: Question) -> Answer:  # noqa: C901 - one line a question
        match question:
            case ReadLeft():
                return await self._left(question)
            case ReadRight():
                return await self._right(question)
            case AskParent():
                return await self._parent(question)
            case AskOwner():
                return await self._owner(question)
            case ReadRivals():
                return await self._rivals(question)
            case Search():
                return await self._search(question)
            case AskWitnesses():
                return await self._witnesses(question)
            case Count():
                return await self._count(question)

    async def _left(self, question: ReadLeft) -> Answer:
        if question.again:
            await self._pause()
        found = await self._remotes.left.read(self._left_id)

        def told(seen: Observation) -> Observation:
            is_second = isinstance(seen.left, Snapshot)
            reads = seen.list_reads + is_second
            return replace(seen, left=found, left_again=question.again, lists_read=is_second, list_reads=reads)

        return told

    async def _right(self, question: ReadRight) -> Answer:
        if question.again:
            await self._pause()
        found = await self._remotes.right.read(question.right_id)
        return lambda seen: replace(seen, right=found, right_id=question.right_id, right_again=question.again)

    async def _pause(self) -> None:
        """Between the two reads that must both say "gone"."""
        await self._remotes.clock.sleep(self._rules.settings.gone_pause.total_seconds())

    async def _parent(self, question: AskParent) -> Answer:
        parents, left_id, home = self._remotes.parents, question.left_id, question.home
        if parents is None:
            return lambda seen: replace(seen, parent=Parent("", None))
        link = await parents.peek(left_id) if left_id else None
        owner = left_id if link is not None and link.right_id == home else ""
        if home and not owner:
            known = await parents.known([home])
            owner = next((p.left_id for p in sorted(known, key=lambda p: bool(p.tombstone))), "")
            link = await parents.peek(owner) if owner and not left_id else link
        told = Parent(left_id or owner, link, owner)
        return lambda seen: replace(seen, parent=told)

    async def _owner(self, question: AskOwner) -> Answer:
        owner = (await self._remotes.links.linked([question.right_id])).get(question.right_id)
        return lambda seen: replace(seen, owners={**seen.owners, question.right_id: owner})

    async def _rivals(self, question: ReadRivals) -> Answer:
        read = {one: await self._remotes.left.read(one) for one in question.left_ids}
        return lambda seen: replace(seen, rivals={**seen.rivals, **read})

    async def _search(self, question: Search) -> Answer:
        asked_at = self._remotes.clock.now()
        found = await self._remotes.right.candidates(question.payload, question.since)
        taken = await self._remotes.links.linked([c.id for c in found]) if found else {}
        told = Found(tuple(found), frozenset(taken), asked_at, is_complete=question.since is None)
        return lambda seen: replace(seen, found=told)

    async def _witnesses(self, question: AskWitnesses) -> Answer:
        """One that the side still knows is enough: no more are asked then."""
        brake, asked, known = self._remotes.brake, [], False
        if brake is not None:
            asked = list(await brake.witnesses(self._left_id, WITNESSES, question.home))
        store = self._remotes.left if question.side is Side.LEFT else self._remotes.right
        for link in (each.link for each in asked):
            if await store.read(link.left_id if question.side is Side.LEFT else link.right_id) is not None:
                known = True
                break
        told = Witnesses(len(asked), sum(each.suspected for each in asked), known)
        return lambda seen: replace(seen, witnesses={**seen.witnesses, question.side: told})

    async def _count(self, question: Count) -> Answer:
        brake = self._remotes.brake
        if brake is None:
            raise AssertionError("without a ledger nothing is counted")
        suspicion = Suspicion(
            question.source,
            self._left_id,
            question.loss,
            self._remotes.clock.now(),
            question.value,
            question.version,
        )
        tally = await brake.count(suspicion, self._rules.settings.brake)
        return lambda seen: replace(seen, tallies={**seen.tallies, question: tally})
