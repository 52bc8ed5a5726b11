"""One look at one document: observe, decide, act, until nothing is left to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import structlog

from document_sync.domain.decide import decide
from document_sync.domain.look import Look, Refusal
from document_sync.domain.memory import Document, File
from document_sync.domain.steps import (
    SENDS,
    Ask,
    Attach,
    CallRecord,
    DeleteFile,
    Detach,
    Fetch,
    LookWhole,
    Note,
    Plan,
    ReadAgain,
    ReadName,
    Reindex,
    Release,
    Remember,
    Show,
    Step,
    Upload,
)
from document_sync.domain.values import DocumentState, DocumentView, StoredFile
from document_sync.handlers.acting import FILE_STEPS, FileActs, FileStep
from document_sync.handlers.parts import AGAIN_SECONDS, MAX_ROUNDS, Cause, Parts, backoff, word_of
from document_sync.ports import Spooled
from synckit.errors import RemoteRejected, TransientError
from synckit.ports import Lease

log = structlog.get_logger(__name__)
DOCUMENT = "CDokumente"


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look. `result`: a stable word. `steps`: what was done, or would be."""

    result: str
    state: DocumentState
    steps: tuple[str, ...] = ()


@dataclass(slots=True)
class _Course:
    """One look on its way: what changes while it goes on."""

    look: Look
    lease: Lease
    cause: Cause
    spooled: Spooled | None = None
    done: list[str] = field(default_factory=list)


class DocumentLooks:
    """Looks at documents. Every look is safe to repeat and to break off anywhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._acts = FileActs(parts)

    async def look(self, document: str, cause: Cause, *, may_be_light: bool = False) -> Looked:
        """`may_be_light`: nobody says that the document has changed; only indexing may be over."""
        parts = self._parts
        async with parts.locks.hold(f"document:{document}") as lease:
            known = await parts.store.open_document(document)
            is_light = may_be_light and known.state is DocumentState.PENDING and bool(known.sha256)
            look = await self._observed(known, is_light=is_light)
            course = _Course(look, lease, cause)
            async with self._spooling(course):
                return await self._until_done(course)

    async def plan(self, document: str) -> tuple[Look, Plan]:
        """What a look would do. Takes no fence, writes nothing."""
        look = await self._observed(await self._parts.store.document(document), is_light=False)
        return look, decide(look)

    async def _until_done(self, course: _Course) -> Looked:
        for _ in range(MAX_ROUNDS):
            plan = decide(course.look)
            # What only reads goes on in a dry run; bytes are not read for nothing.
            if self._parts.dry and any(isinstance(step, (*SENDS, Fetch)) for step in plan.steps):
                return await self._shown(course, plan)
            if not plan.steps:
                return await self._closed(course, plan.document)
            await self._act(course, plan.steps[0])
        raise RuntimeError("a look without an end")

    async def _shown(self, course: _Course, plan: Plan) -> Looked:
        words = tuple(word_of(step) for step in plan.steps)
        known = replace(course.look.document, looked_at=self._parts.clock.now(), due=None)
        await self._parts.store.save_document(known)
        log.info("documents.plan", entity_id=known.id, steps=list(words))
        return Looked("dry", known.state, words)

    async def _closed(self, course: _Course, row: Document) -> Looked:
        await self._parts.store.save_document(row)
        wrote = [word for word in course.done if word not in ("remember", "call_record", "look_whole", "read_again")]
        return Looked("written" if wrote else "nothing_to_do", row.state, tuple(course.done))

    async def _act(self, course: _Course, step: Step) -> None:
        if isinstance(step, FILE_STEPS):
            await self._with_file(course, step)
        elif isinstance(step, Remember | CallRecord | Note | Show):
            course.lease.ensure()
            await self._write(course, step)
        elif isinstance(step, Fetch | ReadName | ReadAgain | LookWhole):
            await self._read(course, step)

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _observed(self, known: Document, *, is_light: bool) -> Look:
        office, store = self._parts.office, self._parts.store
        view = remembered(known) if is_light else await office.document(known.id)
        links = known.wanted if is_light or view is None else await office.links(known.id)
        files = await store.files_of(known.id, known.sha256)
        keys = {*links, *known.wanted, *(key for file in files.values() for key in file.placements)}
        return Look(
            now=self._parts.clock.now(),
            key=await store.key(),
            document=known,
            view=view,
            links=links if view else frozenset(),
            collections=await store.collections(keys),
            files=files,
            is_light=is_light,
        )

    async def _read(self, course: _Course, step: Fetch | ReadName | ReadAgain | LookWhole) -> None:
        look = course.look
        match step:
            case Fetch():
                course.spooled = await self._parts.spool.fetch(step.attachment)
                content = course.spooled.content
                files = look.files
                if isinstance(content, StoredFile):
                    # Others may have uploaded the same bytes already.
                    files = {**files, **await self._parts.store.files_of(look.document.id, content.sha256)}
                course.look = replace(look, content=content, files=files)
            case ReadName():
                found = await self._parts.office.document(step.document)
                course.look = replace(look, names={**look.names, step.document: found.name if found else ""})
            case ReadAgain():
                await self._parts.clock.sleep(AGAIN_SECONDS)
                again = await self._observed(look.document, is_light=False)
                course.look = replace(again, is_sure=True, called=look.called)
            case LookWhole():
                course.look = await self._observed(look.document, is_light=False)

    # -- writing ------------------------------------------------------------------------------------------------------

    async def _write(self, course: _Course, step: Remember | CallRecord | Note | Show) -> None:
        look, parts = course.look, self._parts
        match step:
            case Remember():
                await parts.store.save_document(step.document)
                course.look = replace(look, document=replace(step.document, state=look.document.state))
            case CallRecord():
                await parts.calls.records([step.record])
                course.look = replace(look, called=look.called | {step.record})
            case Note():
                owner = look.view.owner_id if look.view else None
                await parts.office.tell(DOCUMENT, look.document.id, owner, step.text, step.cause)
                course.look = replace(look, told=look.told | {step.cause})
            case Show():
                await self._show(course, step)
        self._did(course, step)

    async def _show(self, course: _Course, step: Show) -> None:
        look = course.look
        attachment = await course.lease.during(self._parts.office.show(look.document.id, step.values))
        if attachment != look.attachment:
            # Somebody has put another file there meanwhile: the next round sees it.
            course.look = replace(await self._observed(look.document, is_light=False), called=look.called)
            return
        shown = {**(look.view.shown if look.view else {}), **step.values}
        view = replace(look.view, shown=shown) if look.view else None
        kept = decide(look).document
        course.look = replace(look, view=view, document=replace(look.document, shown=kept.shown))

    async def _with_file(self, course: _Course, step: FileStep) -> None:
        """Under the file's lock it is read again and decided again: another document may share it."""
        parts = self._parts
        async with parts.locks.hold(f"file:{step.sha256}") as held:
            file = await parts.store.open_file(step.sha256)
            keys = {*course.look.collections, *file.placements}
            fresh = replace(
                course.look,
                files={**course.look.files, step.sha256: file},
                collections=await parts.store.collections(keys),
                now=parts.clock.now(),
            )
            course.look = fresh
            steps = decide(fresh).steps
            if not steps or steps[0] != step:
                return
            course.lease.ensure()
            held.ensure()
            await self._file_act(course, step, file)

    async def _file_act(self, course: _Course, step: FileStep, file: File) -> None:
        look, message = course.look, ""
        try:
            after, message = await course.lease.during(self._carried_out(course, step, file))
        except RemoteRejected as error:
            refused = await self._refused(course, step, error)
            course.look = replace(refused, files={**refused.files, **await self._seen(look.document.id, step.sha256)})
            return
        course.look = replace(look, files={**look.files, step.sha256: after}, now=self._parts.clock.now())
        if message and isinstance(step, Ask):
            course.look = replace(course.look, messages={**look.messages, step.record: message})
        self._did(course, step)

    async def _carried_out(self, course: _Course, step: FileStep, file: File) -> tuple[File, str]:
        if isinstance(step, Ask):
            return await self._acts.ask(step, file)
        return await self._changed(course, step, file), ""

    async def _changed(self, course: _Course, step: FileStep, file: File) -> File:
        acts = self._acts
        match step:
            case Upload():
                return await self._uploaded(course, step, file)
            case Attach():
                return await acts.attach(step, file, course.cause)
            case Detach():
                return await acts.detach(step, file)
            case Reindex():
                return await acts.reindex(step, file)
            case DeleteFile():
                return await acts.delete(file)
            case Release():
                return await acts.release(file)
            case _:
                return await acts.find_upload(file)

    async def _uploaded(self, course: _Course, step: Upload, file: File) -> File:
        if course.spooled is None:
            raise RuntimeError("bytes that nobody has read")
        targets = {key: one.collection_id for key, one in course.look.collections.items()}
        told = (targets, course.cause)
        return await self._acts.upload(step, file, course.spooled, course.look.document.id, told)

    async def _seen(self, document: str, sha256: str) -> Mapping[str, File]:
        return await self._parts.store.files_of(document, sha256)

    async def _refused(self, course: _Course, step: FileStep, error: RemoteRejected) -> Look:
        """A refusal is the document's state; only bytes and their place can be refused."""
        if not isinstance(step, Upload | Attach | Reindex):
            raise error
        log.warning("documents.refused", entity_id=course.look.document.id, upstream=error.upstream, code=error.status)
        self._parts.observe(f"refused_{word_of(step)}")
        return replace(course.look, refusal=Refusal(error.status, getattr(error, "said", "")))

    def _did(self, course: _Course, step: Step) -> None:
        course.done.append(word_of(step))
        self._parts.observe(word_of(step))

    @asynccontextmanager
    async def _spooling(self, course: _Course) -> AsyncIterator[None]:
        """What lies on the disk goes with the look, however it ends."""
        async with AsyncExitStack() as stack:

            async def close() -> None:
                if course.spooled is not None:
                    await course.spooled.close()

            stack.push_async_callback(close)
            yield

    async def give_up(self, document: str, error: TransientError) -> None:
        """It did not work for a while: `unclean`, and looked at again later."""
        parts = self._parts
        async with parts.locks.hold(f"document:{document}"):
            known = await parts.store.open_document(document)
            due = parts.clock.now() + backoff(known.tries)
            kept = replace(known, state=DocumentState.UNCLEAN, reason="unavailable", due=due, tries=known.tries + 1)
            await parts.store.save_document(kept)
            if not parts.dry and getattr(error, "upstream", "") != "espocrm":
                # A document that is gone by now shows nothing to anybody.
                with suppress(RemoteRejected):
                    await parts.office.show(document, {"xaiSyncStatus": str(DocumentState.UNCLEAN)})


def remembered(known: Document) -> DocumentView:
    """The document as memory has it: without its name."""
    return DocumentView(known.id, "", known.attachment, {})
