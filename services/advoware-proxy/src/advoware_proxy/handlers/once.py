"""A POST under an Idempotency-Key: carried out once, answered again for a day, never done twice for want of news."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from advoware_proxy.domain.calls import KeptReply
from advoware_proxy.domain.problem import Refused
from advoware_proxy.handlers.ports import Claim, Replies
from advoware_proxy.handlers.settling import Settling
from synckit.errors import SyncError
from synckit.ports import Clock

REPLAYED = "Idempotency-Replayed"
LARGEST_KEPT = 1 << 20
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Post:
    """What makes two requests the same."""

    key_id: str
    idempotency_key: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def idempotency_key(values: tuple[str, ...]) -> str | None:
    """None where there is none. Refused where it is none that is taken."""
    if not values:
        return None
    if len(values) > 1 or not _KEY.match(values[0]):
        raise Refused("bad_request", "idempotency_key")
    return values[0]


class Once:
    """Claims, keeps, gives again. `settling` has to run beside it."""

    def __init__(self, replies: Replies, clock: Clock) -> None:
        self._replies = replies
        self.settling = Settling(replies, clock)

    async def begin(self, post: Post, owner: str) -> tuple[Claim, KeptReply | None]:
        """The claim, and the first answer where there is one. Refused where the key is busy or was used otherwise."""
        key = await self._replies.hash_key()
        claim = Claim(post.key_id, _hash(key, post.idempotency_key.encode()), _fingerprint(key, post), owner)
        try:
            found = await self._replies.claim(claim)
        except SyncError:
            self.settling.later(claim, None)  # its answer may be all that was lost, and the key be ours
            raise
        if found.state == "other":
            raise Refused("key_reused")
        if found.state == "busy":
            raise Refused("key_in_use", retry_after=5)
        if found.reply is None:
            return claim, None
        return claim, KeptReply(found.reply.status, {**found.reply.headers, REPLAYED: "true"}, found.reply.body)

    async def sending(self, claim: Claim) -> None:
        """The last thing before the request goes out. Refused where another has the key by now."""
        if not await self._replies.sending(claim):
            raise Refused("key_in_use", retry_after=5)

    async def answered(self, claim: Claim, reply: KeptReply, call_id: str) -> None:
        """Before the caller hears of it: whoever has heard an answer hears the same again."""
        kept = reply if len(reply.body) <= LARGEST_KEPT else problem_reply(Refused("answer_not_kept"), call_id)
        await self.settling.end(claim, kept)

    async def refused(self, claim: Claim, refused: Refused, call_id: str) -> None:
        """Kept where Advoware has decided or may have acted; forgotten where nothing can have happened."""
        is_final = refused.code == "rejected" or refused.applied != "no"
        await self.settling.end(claim, problem_reply(refused, call_id) if is_final else None)


def problem_reply(refused: Refused, call_id: str) -> KeptReply:
    return KeptReply(refused.answered_status, refused.headers(), json.dumps(refused.document(call_id)).encode())


def _fingerprint(key: bytes, post: Post) -> bytes:
    headers = json.dumps(sorted(post.headers.items())).encode()
    return _hash(key, post.url.encode(), headers, post.body)


def _hash(key: bytes, *parts: bytes) -> bytes:
    """Keyed, as bodies of few possible values could be guessed from a plain one."""
    made = hashlib.blake2b(key=key, digest_size=32)
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.digest()
