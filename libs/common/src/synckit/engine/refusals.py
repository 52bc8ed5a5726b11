"""What is done about a refused write: what it was about is left out from now on, and the rest is written without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synckit.engine.look import Look
from synckit.engine.quoting import LONGEST_IN_STATE, shown
from synckit.engine.refused import (
    ATTRIBUTE,
    REJECTED,
    WHOLE,
    Rejection,
    StillRefused,
    digest,
    holding,
    names_in,
    rejection,
    remembered,
)
from synckit.errors import RemoteRejected
from synckit.mapping.field import EntityMapping
from synckit.reconcile.plan import Canonical, Plan, Side

CLOCKS = frozenset({"advowareLastSync", "advowareDeletedAt", "syncNextRetry"})
"""States that are never twice the same, and alone are no reason for a call."""
EVERYTHING = "-"
PENDING = "pending_sync"


class Refusals:
    """Of one entity's records."""

    def __init__(self, mapping: EntityMapping) -> None:
        self._mapping = mapping

    def recall(self, look: Look) -> None:
        """What earlier looks were refused, and it is too early to try again."""
        now = look.clock.now()
        look.rejections = {each.name: each for each in remembered(look.state.notes, now)}
        look.whole = {each.about: each for each in remembered(look.state.notes, now, WHOLE)}

    def forget_where_asked(self, look: Look) -> None:
        """A person has set the state to `pending_sync`: all is tried again now, and not only after a day.

        But for a record whose state can't be written: it would stay so, and be tried with every look.
        """
        asked = look.left is not None and look.left.payload.get("syncStatus") == PENDING
        is_shown = f"{ATTRIBUTE}syncStatus" not in look.rejections
        if asked and is_shown and not any(each.side is Side.LEFT for each in look.whole.values()):
            look.is_asked, look.rejections, look.whole = True, {}, {}

    def of_fields(self, look: Look, left: Canonical, right: Canonical) -> dict[str, Rejection]:
        """Fields that are not tried, as both sides stand."""
        return holding(look.rejections, self._mapping.policies, left, right) if look.rejections else {}

    def take(self, look: Look, plan: Plan, error: RemoteRejected, sides: tuple[Canonical, Canonical]) -> bool:
        """The fields of a plan that a remote names are left out from now on. False where it names none of them."""
        side = Side.LEFT if error.upstream == Side.LEFT.system else Side.RIGHT
        writes = plan.left_writes if side is Side.LEFT else plan.right_writes
        known = [f.name for f in self._mapping.fields]
        sent = [self._mapping.attribute_of(name, side, {**sides[side is Side.RIGHT], **writes}) for name in known]
        named = {self._mapping.field_at(side, each) for each in names_in(error, sent)}
        named |= {self._mapping.field_at(side, error.field or "")}
        found = [name for name in writes if name in named]
        if not found and named & set(known):
            # Sent because the kind of the record changes, which decides where a value stands.
            found = [name for name in writes if name in self._mapping.kind_fields]
        left, right = sides
        for name in found:
            about = digest(left.get(name), right.get(name))
            look.rejections[name] = rejection(error, name, side, look.clock.now(), about)
            look.attempted.pop(name, None)
            self._stand(look, look.rejections[name])
        return bool(found)

    def of_attributes(self, look: Look, error: RemoteRejected, patch: Mapping[str, Any]) -> bool:
        """The same for what is no field of the mapping: states, and the link."""
        found = names_in(error, patch)
        for each in found:
            name = ATTRIBUTE + each
            look.rejections[name] = rejection(error, name, Side.LEFT, look.clock.now(), digest(patch[each]))
            self._stand(look, look.rejections[name])
        return bool(found)

    def of_all(self, look: Look, error: RemoteRejected, side: Side, body: Mapping[str, Any]) -> None:
        """What was sent is not sent again as it is."""
        about = _digest(side, body)
        if about not in look.whole:
            known = rejection(error, error.field or EVERYTHING, side, look.clock.now(), about)
            look.whole[about] = _as_whole(known)
        self._stand(look, look.whole[about])

    def known(self, look: Look, side: Side, body: Mapping[str, Any]) -> RemoteRejected | None:
        """The refusal of the very same, where it still holds."""
        about = _digest(side, body)
        found = look.whole.get(about)
        if found is None:
            return None
        self._stand(look, found)
        name = None if found.name == EVERYTHING else found.name
        return StillRefused(side.system, found.status, found.rule.replace("_", " "), field=name)

    def stripped(self, look: Look, patch: dict[str, Any]) -> dict[str, Any]:
        """Without what is known to be refused. Nothing where only a time is left."""
        hit = {each.name.removeprefix(ATTRIBUTE) for each in self.hits(look, patch)}
        if not hit:
            return patch
        shown = look.left.payload if look.left else {}
        left = {name: value for name, value in patch.items() if name not in hit}
        news = {
            name for name, value in left.items() if name not in CLOCKS and (shown.get(name) or None) != (value or None)
        }
        return left if news else {}

    def hits(self, look: Look, patch: Mapping[str, Any]) -> Sequence[Rejection]:
        """States and links of a patch that are known to be refused."""
        found = [look.rejections.get(ATTRIBUTE + name) for name in patch]
        hit = [
            each
            for each in found
            if each is not None and each.about == digest(patch[each.name.removeprefix(ATTRIBUTE)])
        ]
        for each in hit:
            self._stand(look, each)
        return hit

    def told(self, patch: Mapping[str, Any], hits: Sequence[Rejection]) -> list[str]:
        """In a user's words."""
        names = [each.name.removeprefix(ATTRIBUTE) for each in hits]
        return [
            f"{name} {each.reason(name)}: {shown(_as_value(patch[name]), LONGEST_IN_STATE)}"
            for name, each in zip(names, hits, strict=True)
        ]

    def outdated(self, look: Look) -> set[str]:
        """Causes of refusals whose time is over, or of which there are newer ones."""
        ours = {cause for cause in look.state.notes if cause.startswith((f"{REJECTED}:", f"{WHOLE}:"))}
        return ours - {each.cause for each in (*look.rejections.values(), *look.whole.values())}

    def stand(self, look: Look, found: Sequence[Rejection]) -> None:
        """They are remembered for the next look."""
        for each in found:
            self._stand(look, each)

    @staticmethod
    def _stand(look: Look, known: Rejection) -> None:
        if known.is_kept:
            look.standing.add(known.cause)
            look.causes.add(known.cause)


def _as_whole(known: Rejection) -> Rejection:
    return Rejection(known.name, known.side, known.status, known.rule, known.about, known.at, WHOLE)


def _as_value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _digest(side: Side, body: Mapping[str, Any]) -> str:
    return digest(side.value, sorted((name, repr(value)) for name, value in body.items() if name not in CLOCKS))
