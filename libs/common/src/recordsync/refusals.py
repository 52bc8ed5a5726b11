"""What a remote has refused: how it is remembered, in whose words it is told, and when it is tried again. Pure.

A refusal stands among the causes of a record's memory, without the value: a digest of both sides tells whether either
has changed since. Then it is tried again, and after a day, for what EspoCRM's administration forbade may be mended.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from recordsync.quoting import LONGEST_IN_STATE, shown
from recordsync.systems import NAMES, side_of
from synckit.errors import RemoteRejected
from synckit.reconcile.plan import Canonical, Decision, Side, Value
from synckit.reconcile.policy import FieldPolicy


class Names(Protocol):
    """The part of a mapping that is needed here."""

    def label(self, name: str) -> str: ...
    def shown(self, name: str, value: Value) -> Value: ...
    def attribute_of(self, name: str, side: Side, record: Canonical) -> str: ...


REJECTED, WHOLE = "rejected", "rejected_whole"
AGAIN_AFTER = timedelta(days=1)
ATTRIBUTE = "="
"""Before the name of what is no field of the mapping: a state, or the link."""
TOO_MANY = "maxCount"
_FORM = re.compile(r"(rejected|rejected_whole):([^:]+):(left|right):(\d+)_(\w*):([0-9a-f]+):(\d{1,11})")
_WORDS: Mapping[str, str] = {
    "required": "darf dort nicht leer sein",
    "maxLength": "ist dort zu lang",
    "pattern": "enthält Zeichen, die dort nicht erlaubt sind",
    "valid": "ist dort kein gültiger Wert",
    "emailAddress": "ist dort keine gültige E-Mail-Adresse",
    TOO_MANY: "die Liste ist dort voll",
    "min": "ist dort zu klein",
    "max": "ist dort zu groß",
    "range": "liegt dort außerhalb des Erlaubten",
    "rangeInternal": "liegt dort außerhalb des Erlaubten",
    "No_edit_access": "dort fehlt uns das Recht zu ändern",
    "No_create_access": "dort fehlt uns das Recht anzulegen",
    "No_read_access": "dort fehlt uns das Recht zu lesen",
}
_OF_A_STATUS: Mapping[int, str] = {
    403: "dort ist es uns nicht erlaubt",
    404: "dort gibt es das nicht mehr",
    409: "dort steht schon etwas anderes",
    413: "ist dort zu groß",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """`name`: a field, an entry of a list, or `=` and an attribute; "-" for all that was sent. `about`: the digest of
    what both sides held; "" while the look goes on. `is_kept`: it is remembered for the next look.
    """

    name: str
    side: Side
    status: int
    rule: str
    about: str
    at: datetime
    kind: str = REJECTED
    is_kept: bool = True

    @property
    def cause(self) -> str:
        head = f"{self.kind}:{self.name}:{self.side.value}:{self.status}_{self.rule}"
        return f"{head}:{self.about}:{int(self.at.timestamp())}"

    @property
    def words(self) -> str:
        """Why, for a user."""
        return _WORDS.get(self.rule) or _OF_A_STATUS.get(self.status, "")

    def is_fresh(self, now: datetime) -> bool:
        """False once it is time to try again; also where the clock has gone back behind it."""
        return timedelta(0) <= now - self.at + timedelta(hours=1) and now - self.at < AGAIN_AFTER

    def reason(self, attribute: str) -> str:
        """After the name of a field, in a message to a user."""
        why = f", {self.words}" if self.words else ""
        return f"wird von {NAMES[self.side]} nicht angenommen{why} ({attribute}, {self.code})"

    @property
    def code(self) -> str:
        """For IT, e.g. `400 maxLength`."""
        return f"{self.status} {self.rule}".strip()


def rejection(error: RemoteRejected, name: str, side: Side, at: datetime, about: str = "") -> Rejection:
    """Of an answer. No text of the remote but its own short words."""
    rule = re.sub(r"\W+", "_", error.reason.removeprefix("validationFailure ")).strip("_")[:40]
    return Rejection(name, side, error.status, rule, about, at)


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that a remote refused, for logs and metrics: no value. `field` is as the remote named it, or ""."""

    upstream: str
    status: int
    rule: str
    field: str = ""


def refused(error: RemoteRejected) -> Refused:
    """The answer, without a text of the remote's."""
    rule = error.reason if error.reason.replace(" ", "").isalnum() else ""
    return Refused(error.upstream, error.status, rule, error.field or "")


class StillRefused(RemoteRejected):
    """What would be sent was refused lately, and was not sent."""


def words_of(error: RemoteRejected) -> str:
    """After the name of a field that was not even sent."""
    side = side_of(error.upstream)
    known = rejection(error, "", side, datetime.fromtimestamp(0, UTC))
    why = f", {known.words}" if known.words else ""
    return f"wird von {NAMES[side]} nicht angenommen{why}; {known.code}"


def remembered(causes: Iterable[str], now: datetime, kind: str = REJECTED) -> list[Rejection]:
    """Those that still hold, the newest last."""
    found = [each for cause in causes if (each := _parsed(cause)) is not None and each.kind == kind]
    return [each for each in sorted(found, key=lambda each: (each.at, each.cause)) if each.is_fresh(now)]


def _parsed(cause: str) -> Rejection | None:
    form = _FORM.fullmatch(cause)
    if form is None:
        return None
    kind, name, side, status, rule, about, at = form.groups()
    return Rejection(name, Side(side), int(status), rule, about, datetime.fromtimestamp(int(at), UTC), kind)


def digest(*parts: object, key: bytes) -> str:
    """Tells whether something has changed, and not what it was: nobody can try all birth dates without the key."""
    told = "\x1f".join(repr(part) for part in parts)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), key=key, digest_size=8).hexdigest()


def holding(
    known: Mapping[str, Rejection], policies: Sequence[FieldPolicy], left: Canonical, right: Canonical, key: bytes
) -> dict[str, Rejection]:
    """Rejections of fields of which neither side has changed since."""
    return {
        p.name: known[p.name]
        for p in policies
        if p.name in known and known[p.name].about == digest(left.get(p.name), right.get(p.name), key=key)
    }


def refusing(
    mapping: Names, rejections: Mapping[str, Rejection], policies: Sequence[FieldPolicy]
) -> Sequence[FieldPolicy]:
    """The policies of a look that tries nothing again that was rejected."""
    if not rejections:
        return policies
    return [_refusing(mapping, p, rejections[p.name]) if p.name in rejections else p for p in policies]


def _refusing(mapping: Names, policy: FieldPolicy, known: Rejection) -> FieldPolicy:
    def refuses(side: Side, value: Value, record: Canonical) -> str:
        if side is not known.side:
            return policy.refuses(side, value, record)
        return known.reason(mapping.attribute_of(policy.name, side, record))

    return replace(policy, refuses=refuses)


def told(mapping: Names, refused: Sequence[Decision]) -> list[str]:
    """Label, reason and value of each field that a side does not take."""
    lines = []
    for d in refused:
        source = d.right if d.write is Side.LEFT else d.left
        value = shown(mapping.shown(d.field, source), LONGEST_IN_STATE)
        lines.append(f"{mapping.label(d.field)} {d.reason}: {value}")
    return lines


def names_in(error: RemoteRejected, sent: Collection[str]) -> list[str]:
    """Attributes of what was sent that the remote complains of: a field of EspoCRM may be several attributes."""
    name = error.field or ""
    for candidates in ((name,), (f"{name}Data", f"{name}Id")):
        found = [each for each in candidates if each in sent]
        if found:
            return found
    lowered = name.lower()
    same = [each for each in sent if lowered and each.lower() == lowered]
    return same or [
        each for each in sent if len(name) > 2 and each.startswith(name) and each[len(name) :][:1].isupper()
    ]
