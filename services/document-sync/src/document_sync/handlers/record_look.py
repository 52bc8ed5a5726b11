"""One look at one record: its switch, its collection, and a call for each of its documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from document_sync.domain.decide_record import RecordLook, RecordView, decide_record
from document_sync.domain.look import Refusal
from document_sync.domain.memory import Collection
from document_sync.domain.record_steps import (
    RECORD_SENDS,
    AskCollection,
    CallDocuments,
    CreateCollection,
    DropCollection,
    FindCollection,
    Keep,
    RecordPlan,
    RecordStep,
    TakeBack,
    WriteId,
)
from document_sync.domain.steps import Note, ReadAgain
from document_sync.domain.values import Phase, RecordKey
from document_sync.handlers.acting import FileActs
from document_sync.handlers.parts import AGAIN_SECONDS, MAX_ROUNDS, STILL_COMING, Cause, Parts, backoff, word_of
from synckit.errors import RemoteRejected, SyncError, TooEarly, TransientError, was_refused
from synckit.ports import Lease

log = structlog.get_logger(__name__)
WISH_HOURS = timedelta(hours=1)
OURS = re.compile(r"[0-9a-f]{16}-")
"""How the name of a file of ours begins."""
QUIET = frozenset({"keep", "read_again", "find_collection", "ask_collection", "call_documents"})


@dataclass(frozen=True, slots=True)
class RecordLooked:
    """What came of a look. `result`: a stable word. `steps`: what was done, or would be."""

    result: str
    phase: Phase
    steps: tuple[str, ...] = ()
    is_held: bool = False


@dataclass(slots=True)
class _Course:
    look: RecordLook
    lease: Lease
    done: list[str] = field(default_factory=list)


class RecordLooks:
    """Looks at records. Every look is safe to repeat and to break off anywhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._files = FileActs(parts)

    async def look(self, key: RecordKey, cause: Cause, *, calls: bool = True) -> RecordLooked:
        """`calls`: its documents are called whatever is found."""
        async with self._parts.locks.hold(f"record:{key}") as lease:
            row = await self._parts.store.open_collection(key)
            return await self._until_done(_Course(await self._observed(row, calls=calls), lease))

    async def plan(self, key: RecordKey) -> tuple[RecordLook, RecordPlan]:
        """What a look would do. Takes no fence, writes nothing."""
        row = (await self._parts.store.collections([key])).get(key, Collection(key))
        look = await self._observed(row, calls=False)
        return look, decide_record(look)

    async def withdraw(self, key: RecordKey) -> RecordLooked:
        """Everything of a record back, at once, whatever its switch says and however many others are."""
        async with self._parts.locks.hold(f"record:{key}") as lease:
            row = replace(await self._parts.store.open_collection(key), withdrawn=True)
            if self._parts.dry:
                plan = decide_record(await self._observed(row, calls=True))
                return RecordLooked("dry", row.phase, tuple(word_of(step) for step in plan.steps))
            await self._parts.store.save_collection(row)
            try:
                await lease.during(self._parts.office.switch_off(key))
            except RemoteRejected as error:
                # The record may be gone: what was sent for it comes back all the same.
                log.warning("documents.refused", entity_id=key.id, upstream=error.upstream, code=error.status)
            return await self._until_done(_Course(await self._observed(row, calls=True), lease))

    async def give_up(self, key: RecordKey, error: TransientError) -> None:
        """It did not work for a while: looked at again later."""
        async with self._parts.locks.hold(f"record:{key}"):
            row = await self._parts.store.open_collection(key)
            due = self._parts.clock.now() + backoff(row.tries)
            await self._parts.store.save_collection(replace(row, due=due, tries=row.tries + 1, reason=error.code))

    async def _observed(self, row: Collection, *, calls: bool) -> RecordLook:
        store, now = self._parts.store, self._parts.clock.now()
        view = await self._parts.office.record(row.key)
        out, tally = await store.out_for(row.key), await store.wishes(row.key, now - WISH_HOURS)
        return RecordLook(now=now, row=row, view=view, tally=tally, out=out, calls=calls)

    async def _until_done(self, course: _Course) -> RecordLooked:
        for _ in range(MAX_ROUNDS):
            plan = decide_record(course.look)
            if self._parts.dry and any(isinstance(step, RECORD_SENDS) for step in plan.steps):
                return await self._shown(course, plan)
            if not plan.steps:
                await self._parts.store.save_collection(plan.row)
                wrote = [word for word in course.done if word not in QUIET]
                result = "held" if plan.row.is_held else "written" if wrote else "nothing_to_do"
                return RecordLooked(result, plan.row.phase, tuple(course.done), plan.row.is_held)
            course.lease.ensure()
            await self._act(course, plan.steps[0])
            course.done.append(word_of(plan.steps[0]))
            self._parts.observe(word_of(plan.steps[0]))
        raise RuntimeError("a look without an end")

    async def _shown(self, course: _Course, plan: RecordPlan) -> RecordLooked:
        """What was seen of the switch is kept also in a dry run: documents' plans rest on it."""
        words, known = tuple(word_of(step) for step in plan.steps), course.look.row
        view = course.look.view
        switch = view.switch if view and not course.look.out and not known.collection_id else known.switch
        kept = replace(known, switch=switch, looked_at=course.look.now, due=None)
        await self._parts.store.save_collection(kept)
        log.info("documents.plan", entity_id=known.key.id, steps=list(words))
        return RecordLooked("dry", known.phase, words)

    async def _act(self, course: _Course, step: RecordStep) -> None:
        look, parts = course.look, self._parts
        match step:
            case ReadAgain():
                await parts.clock.sleep(AGAIN_SECONDS)
                again: RecordView | None = await parts.office.record(look.row.key)
                course.look = replace(look, view=again, is_sure=True)
            case Keep():
                await self._keep(course, step.row)
            case FindCollection() | AskCollection():
                await self._ask(course, step)
            case CreateCollection():
                await self._create(course, step.name)
            case TakeBack():
                await self._files.take_back(step.sha256, look.row.key, course.lease)
                course.look = replace(look, out=look.out - {step.sha256})
            case DropCollection():
                await self._drop(course, step.collection_id)
            case WriteId() | CallDocuments() | Note():
                await self._tell(course, step)

    async def _tell(self, course: _Course, step: WriteId | CallDocuments | Note) -> None:
        look, parts = course.look, self._parts
        match step:
            case WriteId():
                await self._write_id(course, step.collection_id)
            case CallDocuments():
                await self._call(course)
            case Note():
                owner = look.view.owner_id if look.view else None
                await parts.office.tell(look.row.key.type, look.row.key.id, owner, step.text, step.cause)
                course.look = replace(look, told=look.told | {step.cause})

    async def _keep(self, course: _Course, row: Collection) -> None:
        look, store = course.look, self._parts.store
        if row.phase is Phase.CLOSED and look.row.phase is Phase.CLOSING:
            # What was on its way when it began to close has been written down by now.
            left = await store.out_for(row.key)
            if left:
                course.look = replace(look, out=left)
                return
        await store.save_collection(row)
        out = await store.out_for(row.key) if row.phase is Phase.CLOSING else look.out
        is_wish = row.wished_at is not None and look.row.wished_at is None
        tally = await store.wishes(row.key, look.now - WISH_HOURS) if is_wish else look.tally
        course.look = replace(look, row=row, out=out, tally=tally, found=None, is_gone=False)

    async def _ask(self, course: _Course, step: FindCollection | AskCollection) -> None:
        look, collections = course.look, self._parts.collections
        if isinstance(step, FindCollection):
            found = tuple(await collections.find(step.name))
            if not found:
                self._ensure_over(look.row)
            course.look = replace(look, found=found)
            return
        for _ in range(2):
            if await collections.exists(step.collection_id):
                course.look = replace(look, row=replace(look.row, asked_at=look.now))
                return
            await self._parts.clock.sleep(AGAIN_SECONDS)
        course.look = replace(look, is_gone=True)

    def _ensure_over(self, row: Collection) -> None:
        if row.intent_at is not None:
            left = (row.intent_at + STILL_COMING - self._parts.clock.now()).total_seconds()
            if left > 0:
                raise TooEarly("xai_management", "a creation may still arrive", retry_after=left)

    async def _create(self, course: _Course, name: str) -> None:
        look, store = course.look, self._parts.store
        switched = replace(decide_record(look).row, intent_at=look.now)
        await store.save_collection(switched)
        try:
            made = await course.lease.during(self._parts.collections.create(name, str(look.row.key)))
        except SyncError as error:
            if not was_refused(error):
                raise
            kept = replace(switched, intent_at=None)
            await store.save_collection(kept)
            if not isinstance(error, RemoteRejected):
                raise
            log.warning("documents.refused", entity_id=kept.key.id, upstream=error.upstream, code=error.status)
            course.look = replace(look, row=kept, refusal=Refusal(error.status))
            return
        # `due` until its documents have heard of it.
        live = replace(
            switched,
            phase=Phase.LIVE,
            collection_id=made,
            intent_at=None,
            asked_at=look.now,
            due=look.now,
            reason="",
            tries=0,
        )
        await store.save_collection(live)
        course.look = replace(look, row=live, found=None)

    async def _write_id(self, course: _Course, collection_id: str) -> None:
        look = course.look
        try:
            await course.lease.during(self._parts.office.name_collection(look.row.key, collection_id))
        except RemoteRejected as error:
            # The collection works without it; the audit finds the lacking reference.
            log.warning("documents.refused", entity_id=look.row.key.id, upstream=error.upstream, code=error.status)
            self._parts.observe("refused_write_id")
        view = replace(look.view, collection_id=collection_id) if look.view else None
        course.look = replace(look, view=view)

    async def _drop(self, course: _Course, collection_id: str) -> None:
        """With files of ours in it that our memory does not know: a double that nobody else will ever find."""
        look, parts = course.look, self._parts
        for listed in await parts.collections.listed(collection_id):
            if OURS.match(listed.name) and not await parts.store.knows_file(listed.file_id):
                await parts.files.delete(listed.file_id)
        await course.lease.during(parts.collections.delete(collection_id))
        left = tuple(each for each in look.found or () if each != collection_id)
        row = replace(look.row, collection_id="", intent_at=None if not left else look.row.intent_at)
        course.look = replace(look, row=row, found=left)

    async def _call(self, course: _Course) -> None:
        key, parts = course.look.row.key, self._parts
        linked = await parts.office.documents_of(key) if course.look.view else frozenset()
        await parts.calls.documents(linked | await parts.store.documents_of(key))
        course.look = replace(course.look, called=True)
