"""HTTP in: which status answers what. The body is read only for a webhook that is known.

EspoCRM drops an event for good on 400, 409, 413, 422, 429, 502, 504, so all trouble of our own is 503 with Retry-After.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import msgspec
import structlog
from aiohttp import web

from kanzlei.espocrm.webhook_secrets import Secrets
from synckit.deadlines import Deadlines
from synckit.errors import TransientError
from synckit.events import Action
from synckit.log import logging
from synckit.log.checked_text import ident, word
from synckit.ports import Clock
from synckit.service import tracing
from synckit.service.metrics import dead_letter, published
from synckit.service.prebuilt import PrebuiltAnswer
from webhook_ingress import metrics
from webhook_ingress.domain.links import WrongPair
from webhook_ingress.domain.openapi import document
from webhook_ingress.domain.paths import PUSH_PATH, link_paths, webhook_paths
from webhook_ingress.domain.room import NoRoom, Room, Share
from webhook_ingress.domain.signature import claimed_id, is_signed
from webhook_ingress.domain.webhook_line import WebhookLine
from webhook_ingress.handlers import Delivery, Push, Pushes, Receipt, Webhooks

log = structlog.get_logger(__name__)
MAX_BODY = 4 << 20
"""A batch of 200 records (the webhookBatchSize that we advise) with 20 KiB each: EspoCRM sends every text field of a
new record, and loses the whole batch for good on a 413."""
LARGE_BODIES = 128 << 20
"""Of large bodies that are held at once, over all requests: what memory they can take. More is 503, and comes again."""
LARGE_BODY = 1 << 16
"""Such bodies are taken in by turns, a piece each: many at once would hold up everybody else's small ones."""
RETRY_AFTER = "30"
_NOTHING = Receipt(0, 0, {})


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests at once, the latest moment of an answer, and bytes of large bodies at once."""

    in_flight: int = 256
    seconds: float = 7.5
    large_bodies: int = LARGE_BODIES


class _Refused(Exception):
    """An answer other than 200; `outcome` is its word in logs and metrics, `place` is for the caller alone."""

    def __init__(self, status: int, outcome: str, place: WrongPair | None = None) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome
        self.place = place


class WebhookRoutes:
    """The routes of `/vmh/webhook/…`."""

    def __init__(
        self, webhooks: Webhooks, secrets: Callable[[], Secrets], clock: Clock, limits: Limits | None = None
    ) -> None:
        self._webhooks = webhooks
        self._secrets = secrets
        self._clock = clock
        self._limits = limits or Limits()
        self._deadlines = Deadlines(self._limits.seconds)
        self._in_flight = 0
        metrics.WEBHOOKS_IN_FLIGHT.set_function(lambda: self._in_flight)
        self._turn = asyncio.Lock()
        self._room = Room(self._limits.large_bodies)

    def add_to(self, app: web.Application) -> None:
        """One fixed path an entity and action: what is not listed is a 404, another method a 405."""
        for path, entity, action in (*webhook_paths(), *link_paths()):
            app.router.add_post(path, partial(self._receive, entity=entity, action=action))
        app.router.add_get("/openapi.json", _openapi)

    async def _receive(self, request: web.Request, *, entity: str, action: Action) -> PrebuiltAnswer:
        started = self._clock.monotonic()
        trace = tracing.carried(request.headers.get("traceparent"))
        receipt, outcome = _NOTHING, "accepted"
        try:
            receipt = await self._bounded(request, entity, action, str(trace))
            response = PrebuiltAnswer(_accepted_body(receipt.accepted, receipt.records))
        except _Refused as refused:
            response, outcome = _refusal(refused), refused.outcome
        seconds = self._clock.monotonic() - started
        metrics.webhook(entity, action.value, outcome, seconds)
        line = WebhookLine(
            entity=word(entity),
            action=word(action.value),
            outcome=word(outcome),
            status=response.status,
            items=receipt.accepted,
            records=receipt.records,
            seconds=round(seconds, 4),
            trace_id=ident(trace.trace_id),
        )
        logging.tell(line)
        return response

    async def _bounded(self, request: web.Request, entity: str, action: Action, traceparent: str) -> Receipt:
        """Own trouble, whatever it is, is a 503, and in time."""
        if self._in_flight >= self._limits.in_flight:
            raise _Refused(503, "overloaded")
        self._in_flight += 1
        try:
            return await self._deadlines.within(self._answer(request, entity, action, traceparent))
        except _Refused:
            raise
        except WrongPair as wrong:
            dead_letter("webhook-ingress", wrong.reason)
            raise _Refused(400, wrong.reason, wrong) from None
        except TimeoutError:
            raise _Refused(503, "too_slow") from None
        except NoRoom:
            raise _Refused(503, "overloaded") from None
        except TransientError as error:
            raise _Refused(503, error.code) from None
        except Exception:
            log.exception("bug", entity=entity, action=action.value)
            raise _Refused(503, "bug") from None
        finally:
            self._in_flight -= 1

    async def _answer(self, request: web.Request, entity: str, action: Action, traceparent: str) -> Receipt:
        with self._room.share() as share:
            webhook_id, body = await self._signed_body(request, share)
            receipt = await self._webhooks.receive(Delivery(entity, action, webhook_id, body, traceparent))
        published(entity, action.value, receipt.records)
        if receipt.bad:
            dead_letter("webhook-ingress", next(iter(receipt.bad)))
        return receipt

    async def _signed_body(self, request: web.Request, share: Share) -> tuple[str, bytes]:
        """The webhook's id, and the body that it has signed."""
        if (request.content_length or 0) > MAX_BODY:
            raise _Refused(413, "too_large")
        signature, x_signature = request.headers.get("Signature"), request.headers.get("X-Signature")
        webhook_id = claimed_id(signature, x_signature)
        keys = self._secrets().get(webhook_id) if webhook_id else None
        if webhook_id is None or keys is None:
            raise _Refused(401, "unsigned" if webhook_id is None else "unknown_webhook")
        is_large = request.content_length is None or request.content_length > LARGE_BODY
        body = await (self._large_body(request, share) if is_large else _body(request))
        if not is_signed(keys, webhook_id, body, signature, x_signature):
            raise _Refused(401, "wrong_signature")
        return webhook_id, body

    async def _large_body(self, request: web.Request, share: Share) -> bytes:
        """Nobody has the turn while he sends, or doesn't. What is done with the whole body at once has a turn too."""
        body = bytearray()
        while True:
            piece = await request.content.readany()
            if len(body) + len(piece) > MAX_BODY:
                raise _Refused(413, "too_large")
            share.take(len(piece))
            body += piece
            async with self._turn:
                await asyncio.sleep(0)
            if not piece:
                return bytes(body)


class PushRoutes:
    """`POST /google/push`: messages of Google's channels, without a body. Google repeats what is answered by 503."""

    def __init__(self, pushes: Pushes, clock: Clock, limits: Limits | None = None) -> None:
        self._pushes = pushes
        self._clock = clock
        self._limits = limits or Limits()
        self._deadlines = Deadlines(self._limits.seconds)
        self._in_flight = 0

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(PUSH_PATH, self._receive)

    async def _receive(self, request: web.Request) -> PrebuiltAnswer:
        started, outcome = self._clock.monotonic(), "accepted"
        trace = tracing.carried(request.headers.get("traceparent"))
        try:
            await self._bounded(_push(request, str(trace)))
            response = PrebuiltAnswer(b"{}")
        except _Refused as refused:
            response, outcome = _refusal(refused), refused.outcome
        seconds = self._clock.monotonic() - started
        metrics.webhook("calendar", "push", outcome, seconds)
        line = WebhookLine(
            entity=word("calendar"),
            action=word("push"),
            outcome=word(outcome),
            status=response.status,
            items=0,
            records=int(outcome == "accepted"),
            seconds=round(seconds, 4),
            trace_id=ident(trace.trace_id),
        )
        logging.tell(line)
        return response

    async def _bounded(self, push: Push) -> None:
        """Own trouble, whatever it is, is a 503, and in time."""
        if self._in_flight >= self._limits.in_flight:
            raise _Refused(503, "overloaded")
        self._in_flight += 1
        try:
            if not await self._deadlines.within(self._pushes.receive(push)):
                raise _Refused(404, "unknown_channel")
        except _Refused:
            raise
        except TimeoutError:
            raise _Refused(503, "too_slow") from None
        except TransientError as error:
            raise _Refused(503, error.code) from None
        except Exception:
            log.exception("bug", entity="calendar", action="push")
            raise _Refused(503, "bug") from None
        finally:
            self._in_flight -= 1


def _push(request: web.Request, traceparent: str) -> Push:
    told = {
        name: request.headers.get(f"X-Goog-{name}", "") for name in ("Channel-ID", "Channel-Token", "Resource-State")
    }
    return Push(told["Channel-ID"], told["Channel-Token"], told["Resource-State"], traceparent)


async def _body(request: web.Request) -> bytes:
    """Of a length that is known and small. Most are there already, with their head: then nothing is waited for."""
    if request.content.is_eof():
        return request.content.read_nowait()
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _Refused(413, "too_large") from None


def _refusal(refused: _Refused) -> PrebuiltAnswer:
    body = _refusal_body(refused.outcome) if refused.place is None else _place_body(refused.outcome, refused.place)
    return PrebuiltAnswer(body, refused.status, RETRY_AFTER if refused.status == 503 else None)


@lru_cache(maxsize=256)
def _refusal_body(outcome: str) -> bytes:
    """Outcomes are few: under overload the same words go out thousands of times."""
    return msgspec.json.encode({"error": outcome})


def _place_body(outcome: str, place: WrongPair) -> bytes:
    told: dict[str, str | int] = {"error": outcome}
    told |= {name: part for name in ("item", "name") if (part := getattr(place, name)) is not None}
    return msgspec.json.encode(told)


@lru_cache(maxsize=1024)
def _accepted_body(accepted: int, records: int) -> bytes:
    return msgspec.json.encode({"accepted": accepted, "records": records})


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(document())
