"""A call from its key to its last byte: recognised, limited, checked, written down, carried out, streamed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from advoware_proxy.domain import header_rules, path_rules
from advoware_proxy.domain.calls import Call, Entry, KeptReply, Reply
from advoware_proxy.domain.path_rules import BadPath, Target
from advoware_proxy.domain.problem import ADVOWARE, Refused
from advoware_proxy.handlers import refusals
from advoware_proxy.handlers.once import Once, Post, idempotency_key, problem_reply
from advoware_proxy.handlers.places import Places
from advoware_proxy.handlers.ports import Answer, Audit, Claim, Replies, Upstream
from kanzlei.callers.gate import Callers
from kanzlei.callers.grants import Caller, recognise
from synckit.body import Body
from synckit.buckets import Buckets
from synckit.errors import SyncError, TooSlow
from synckit.ports import Clock

log = structlog.get_logger(__name__)
READS = frozenset({"GET"})
NOBODY = ""
SERVICE = "advoware-proxy"


class CutShort(Exception):
    """The answer broke off after its beginning was sent: the connection has to tell."""


class CallerGone(Exception):
    """Nobody listens any more; raised by `deliver`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` from our request to the last byte of the answer; `answer` in bytes; calls carried out at once, by all
    callers together and by one.
    """

    seconds: float = 30.0
    answer: int = 32 * 1024 * 1024
    at_once: int = 64
    per_caller: int = 40


@dataclass(frozen=True, slots=True)
class Doors:
    """The outside world of a call."""

    callers: Callers
    buckets: Buckets
    audit: Audit
    replies: Replies
    upstream: Upstream


@dataclass(slots=True)
class Trail:
    """What is known of a call so far."""

    call_id: str
    method: str
    started: float
    caller: str = NOBODY
    pattern: str = ""
    outcome: str = "answered"
    reason: str = ""
    status: int = 0
    sent: bool = False
    delivering: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """For log and metrics."""

    call_id: str
    caller: str
    pattern: str
    outcome: str
    reason: str
    status: int
    seconds: float


class Proxy:
    """Carries calls out. Raises CutShort where the connection has to be broken off, and nothing else of its own."""

    def __init__(
        self,
        doors: Doors,
        base: path_rules.Base,
        clock: Clock,
        limits: Limits | None = None,
        *,
        on_in_flight: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._doors = doors
        self._base = base
        self._clock = clock
        self._limits = limits or Limits()
        self._once = Once(doors.replies, clock)
        self._places = Places(self._limits.at_once, self._limits.per_caller, on_in_flight)
        self.settling = self._once.settling

    async def carry_out(self, call: Call, done: list[Done]) -> None:
        """One call. `done` gets its summary, whatever happens."""
        trail = Trail(str(uuid.uuid4()), call.method, self._clock.monotonic())
        try:
            await self._answer(call, trail)
        finally:
            seconds = self._clock.monotonic() - trail.started
            done.append(
                Done(trail.call_id, trail.caller, trail.pattern, trail.outcome, trail.reason, trail.status, seconds)
            )

    async def _answer(self, call: Call, trail: Trail) -> None:
        try:
            await self._pass(call, trail)
            self._complete_quietly(trail)
        except CallerGone:
            trail.outcome = "caller_gone"
            self._complete_quietly(trail)
        except Exception as error:
            refused = self._refused(error, trail)
            if trail.delivering:
                trail.outcome, trail.reason = "cut_short", refused.code
                self._complete_quietly(trail)
                raise CutShort from None
            await self._refuse(call, trail, refused)
        except BaseException:
            trail.outcome = "cancelled"
            self._complete_quietly(trail)
            raise

    def _refused(self, error: Exception, trail: Trail) -> Refused:
        if isinstance(error, Refused):
            return error
        if isinstance(error, SyncError):
            return refusals.from_error(error, is_write=trail.method not in READS)
        log.error("bug", exc_info=error, method=trail.method, route=trail.pattern, call_id=trail.call_id)
        return Refused("bug")

    async def _refuse(self, call: Call, trail: Trail, refused: Refused) -> None:
        trail.outcome, trail.reason = f"refused_by_{refused.kind.refused_by}", refused.code
        trail.status = refused.answered_status
        try:
            self._complete(trail)
        except SyncError:
            refused = Refused("unavailable", "audit", retry_after=5)
            trail.outcome, trail.reason, trail.status = "refused_by_proxy", refused.code, refused.answered_status
        reply = problem_reply(refused, trail.call_id)
        with suppress(CallerGone):
            await call.deliver(KeptReply(reply.status, {**reply.headers, **header_rules.OURS}, reply.body).again())

    async def _pass(self, call: Call, trail: Trail) -> None:
        caller = recognise(call.credential, await self._doors.callers.known(), self._clock.now())
        if caller is None:
            raise Refused("unauthenticated")
        trail.caller = caller.key_id
        with self._places.of_caller(caller.key_id):
            await self._pass_of(caller, call, trail)

    async def _pass_of(self, caller: Caller, call: Call, trail: Trail) -> None:
        wait = await self._doors.buckets.take([caller.bucket(SERVICE).charge()])
        if wait > 0:
            raise Refused("rate", retry_after=wait)
        target = self._checked(call, caller, trail)
        key = idempotency_key(call.idempotency_keys) if call.method == "POST" else None
        body = await call.body()
        if key is not None and not isinstance(body.content, bytes):
            raise Refused("too_large", "idempotency_key")
        with self._places.carried():
            # From here on a call may reach Advoware, or give client data away: not before its line is on disk.
            await self._doors.audit.announce(self._entry(trail, "begun"))
            if key is None:
                await self._stream(call, trail, target, body)
            else:
                url, headers = path_rules.build_url(self._base, target), header_rules.to_advoware(call.headers)
                whole = body.content if isinstance(body.content, bytes) else b""
                await self._carry_out_once(call, trail, target, Post(caller.key_id, key, url, headers, whole))

    def _checked(self, call: Call, caller: Caller, trail: Trail) -> Target:
        try:
            target = path_rules.parse(call.query)
        except BadPath as error:
            raise Refused("bad_path", error.reason) from None
        pattern = caller.pattern_for(call.method, target.segments)
        if pattern is None:
            raise Refused("not_allowed")
        trail.pattern = pattern
        return target

    async def _stream(self, call: Call, trail: Trail, target: Target, body: Body) -> None:
        async with self._exchange(call, trail, target, body) as answer:
            chunks = await self._believed(answer, call.method)
            trail.status, trail.delivering = answer.status, True
            headers = header_rules.to_caller(answer.headers.items())
            await call.deliver(Reply(answer.status, headers, chunks, answer.length))

    async def _carry_out_once(self, call: Call, trail: Trail, target: Target, post: Post) -> None:
        claim, again = await self._once.begin(post, trail.call_id)
        if again is not None:
            trail.outcome = "replayed"
        else:
            again = await self._first(call, trail, target, claim, Body(post.body))
        trail.status, trail.delivering = again.status, True
        async with self._in_time(trail):
            await call.deliver(again.again())

    async def _first(self, call: Call, trail: Trail, target: Target, claim: Claim, body: Body) -> KeptReply:
        try:
            async with self._exchange(call, trail, target, body, claim) as answer:
                whole = await refusals.all_of(await self._believed(answer, call.method), self._limits.answer)
                reply = KeptReply(answer.status, header_rules.to_caller(answer.headers.items()), whole or b"")
        except (Refused, SyncError) as error:
            refused = self._refused(error, trail)
            await self._once.refused(claim, refused, trail.call_id)
            raise refused from None
        await self._once.answered(claim, reply, trail.call_id)
        return reply

    @asynccontextmanager
    async def _exchange(
        self, call: Call, trail: Trail, target: Target, body: Body, claim: Claim | None = None
    ) -> AsyncIterator[Answer]:
        async def before() -> None:
            if claim is not None:
                await self._once.sending(claim)
            trail.sent = True

        headers = header_rules.to_advoware(call.headers)
        exchange = self._doors.upstream.exchange(call.method, target, headers, body, before)
        async with self._in_time(trail), exchange as answer:
            yield answer

    @asynccontextmanager
    async def _in_time(self, trail: Trail) -> AsyncIterator[None]:
        """The caller's reading counts as well: nobody holds a place by reading slowly."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                yield
        except TimeoutError:
            raise TooSlow(ADVOWARE, "no end within the limit", maybe_applied=trail.sent) from None

    async def _believed(self, answer: Answer, method: str) -> AsyncIterator[bytes]:
        """The body of an answer that is one. Refused where it is none, judged by its beginning as well."""
        is_write = method not in READS
        if refused := await refusals.of_answer(answer, is_write=is_write, now=self._clock.now()):
            raise refused
        applied = "maybe" if is_write else "no"
        if (answer.length or 0) > self._limits.answer:
            raise Refused("advoware_answer", "too_large", applied=applied)
        chunks = answer.chunks()
        first = await anext(chunks, b"")
        if first[:64].lstrip().startswith(b"<"):
            raise Refused("advoware_answer", "page", applied=applied)
        return _joined(first, chunks)

    def _entry(self, trail: Trail, outcome: str, status: int | None = None, ms: int | None = None) -> Entry:
        return Entry(trail.call_id, trail.caller, trail.method, trail.pattern, outcome, status, ms)

    def _complete(self, trail: Trail) -> None:
        if trail.caller == NOBODY:
            self._doors.audit.nobody(trail.method, trail.status)
            return
        ms = round((self._clock.monotonic() - trail.started) * 1000)
        self._doors.audit.record(self._entry(trail, trail.reason or trail.outcome, trail.status or None, ms))

    def _complete_quietly(self, trail: Trail) -> None:
        """The line is on disk already, without its end at the worst."""
        with suppress(SyncError):
            self._complete(trail)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk
