"""Script 1: people at work on both sides. Seeded; what is linked already when a choice is made depends on the run."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.fields import COMPANY, PERSON, Side
from tests.chaos.history import Record
from tests.chaos.world import USER_ID, RefusedError, World

WORDS = ("Ahorn", "Birke", "Eibe", "Erle", "Esche", "Fichte", "Linde", "Pappel", "Tanne", "Ulme")
SALUTATIONS = ("Herr", "Frau", "Divers")
LEGAL_FORMS = ("GmbH", "AG", "KG", "OHG", "GbR", "UG", "e.K.", "e.V.", "Stiftung")
ONE_WAY = ("geburtsname", "familienstand", "registergericht")
TEXTS = ("titel", "zusatz", "briefAnrede")
MAY_BE_EMPTIED = TEXTS
"""No more than these: whoever empties a name, or most of a record, is held by the brake."""
BLANK = 0.08
FIRST = 25
"""Records that are there before anything else is done."""
SHARES = {
    "edit_in_espocrm": 30,
    "edit_at_a_desk": 26,
    "create": 9,
    "disagree": 9,
    "edit_both_sides": 9,
    "burst": 7,
    "edit_what_advoware_leads": 3,
    "save_without_a_change": 2,
    "delete_in_espocrm": 2,
    "delete_at_a_desk": 2,
}
Act = Callable[[], Awaitable[int]]


@dataclass
class Known:
    """What the script itself remembers of a record."""

    key: str
    kind: str
    espo_id: str
    count: int = 0
    reserved: bool = False
    """A blow's own: nobody else touches it."""
    gone: set[Side] = field(default_factory=set)


class People:
    """`done` counts the changes that were made: saves, one for each side."""

    def __init__(self, world: World, seed: int, total: int) -> None:
        self._world = world
        self._chance = random.Random(f"{seed}:changes")
        self._total = total
        self.records: dict[str, Known] = {}
        self.done = 0
        self.by_kind: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.per_second = 5.0

    async def open_the_office(self) -> None:
        """The first records."""
        await asyncio.gather(*(self._create() for _ in range(min(FIRST, max(1, self._total // 4)))))

    async def work(self) -> None:
        """All changes, at about `per_second`, which may move meanwhile."""
        clock = asyncio.get_running_loop().time
        due = clock()
        running: set[asyncio.Task[None]] = set()
        while self.done + len(running) < self._total:
            task = asyncio.create_task(self._one(self._choose()))
            running.add(task)
            task.add_done_callback(running.discard)
            due = max(due + self._chance.expovariate(1.0) / self.per_second, clock() - 1.0)
            await asyncio.sleep(max(0.0, due - clock()))
        await asyncio.gather(*running)

    def linked(self) -> list[Known]:
        """Those that are on both sides, as far as a person can see."""
        return [
            known for known in self.records.values() if self._betnr(known) and not known.gone and not known.reserved
        ]

    def _choose(self) -> str:
        return self._chance.choices(list(SHARES), list(SHARES.values()))[0]

    async def _one(self, kind: str) -> None:
        acts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "edit_in_espocrm": self._edit_in_espocrm,
            "edit_at_a_desk": self._edit_at_a_desk,
            "create": self._create,
            "disagree": self._disagree,
            "edit_both_sides": self._edit_both_sides,
            "burst": self._burst,
            "edit_what_advoware_leads": self._edit_what_advoware_leads,
            "save_without_a_change": self._save_without_a_change,
            "delete_in_espocrm": self._delete_in_espocrm,
            "delete_at_a_desk": self._delete_at_a_desk,
        }
        self.by_kind[kind] += 1
        try:
            await acts[kind]()
        except RefusedError as error:
            if error.status != 404:  # deleted by somebody else meanwhile
                raise
            self.refused[kind] += 1

    # -- single saves --------------------------------------------------------------------------------------------

    async def save(self, side: Side, known: Known, **values: Any) -> None:
        """One person saves some fields; names are those of that side."""
        if side is Side.ESPO:
            await self._world.as_anna("PUT", f"/{known.espo_id}", values)
        else:
            betnr = self._betnr(known)
            if betnr is None:
                return
            await self._world.at_desk("POST", betnr, values)
        self.done += 1

    async def try_to_save(self, side: Side, known: Known, **values: Any) -> None:
        """Others may have deleted the record since it was chosen: then there is nothing to save."""
        try:
            await self.save(side, known, **values)
        except RefusedError as error:
            if error.status != 404:
                raise

    async def create(self, *, reserved: bool = False, **values: Any) -> Known:
        """A new record, with everything filled that never is emptied."""
        number = len(self.records) + 1
        key, kind = f"R{number:05d}", COMPANY if self._chance.random() < 0.2 else PERSON
        known = self.records[key] = Known(key, kind, "", reserved=reserved)
        names = (
            {"firmenname": self.word(known), "rechtsform": self._chance.choice(LEGAL_FORMS)}
            if kind == COMPANY
            else {"lastName": self.word(known), "firstName": self.word(known)}
        )
        told = {
            **names,
            "salutationName": self._chance.choice(SALUTATIONS),
            "dateOfBirth": self.day(),
            "titel": self.word(known),
            "assignedUserId": USER_ID if self._chance.random() < 0.9 else None,
            **values,
        }
        known.espo_id = str((await self._world.as_anna("POST", "", told))["id"])
        self.done += 1
        return known

    def any_of(self, known: list[Known]) -> Known:
        return self._chance.choice(known)

    def word(self, known: Known) -> str:
        """A text that nobody else ever typed; it holds the record's key."""
        known.count += 1
        return f"{self._chance.choice(WORDS)} {known.key} {known.count}"

    def day(self) -> str:
        return f"{self._chance.randint(1930, 2005)}-{self._chance.randint(1, 12):02d}-{self._chance.randint(1, 28):02d}"

    def values(self, known: Known, count: int) -> dict[str, tuple[str, Any]]:
        """Fresh values for some fields: EspoCRM's name → (Advoware's name, value)."""
        names: list[tuple[str, str]] = [
            *((name, {"briefAnrede": "bAnrede"}.get(name, name)) for name in TEXTS),
            ("salutationName", "anrede"),
            ("dateOfBirth", "geburtsdatum"),
        ]
        names += (
            [("firmenname", "name"), ("rechtsform", "rechtsform")]
            if known.kind == COMPANY
            else [("lastName", "name"), ("firstName", "vorname")]
        )
        return {espo: (advo, self._value(known, espo)) for espo, advo in self._chance.sample(names, count)}

    def _value(self, known: Known, name: str) -> Any:
        if name in MAY_BE_EMPTIED and self._chance.random() < BLANK:
            return None
        if name == "salutationName":
            return self._chance.choice(SALUTATIONS)
        if name == "rechtsform":
            return self._chance.choice(LEGAL_FORMS)
        return self.day() if name == "dateOfBirth" else self.word(known)

    def _betnr(self, known: Known) -> str | None:
        record: Record | None = self._world.history.records.get(known.key)
        return record.betnr if record else None

    def _alive(self) -> Known | None:
        there = [k for k in self.records.values() if k.espo_id and not k.gone and not k.reserved]
        return self._chance.choice(there) if there else None

    def _on_both(self) -> Known | None:
        there = self.linked()
        return self._chance.choice(there) if there else None

    # -- what people do ------------------------------------------------------------------------------------------

    async def _create(self) -> None:
        await self.create()

    async def _edit_in_espocrm(self) -> None:
        if known := self._alive():
            await self._edit(Side.ESPO, known)

    async def _edit_at_a_desk(self) -> None:
        if known := self._on_both() or self._alive():
            await self._edit(Side.ADVO if self._betnr(known) else Side.ESPO, known)

    async def _edit(self, side: Side, known: Known) -> None:
        fresh = self.values(known, self._chance.randint(1, 3))
        await self.save(side, known, **typed(side, fresh))

    async def _disagree(self) -> None:
        """The same field, two values, in the same moment."""
        if known := self._on_both():
            name = self._chance.choice(("titel", "zusatz", "briefAnrede"))
            advo = {"briefAnrede": "bAnrede"}.get(name, name)
            espo_value, advo_value = self.word(known), self.word(known)
            await asyncio.gather(
                self.save(Side.ESPO, known, **{name: espo_value}), self.save(Side.ADVO, known, **{advo: advo_value})
            )

    async def _edit_both_sides(self) -> None:
        """Different fields, in the same moment."""
        if known := self._on_both():
            fresh = list(self.values(known, 4).items())
            await asyncio.gather(
                self.save(Side.ESPO, known, **typed(Side.ESPO, dict(fresh[:2]))),
                self.save(Side.ADVO, known, **typed(Side.ADVO, dict(fresh[2:]))),
            )

    async def _burst(self) -> None:
        """One record, many saves on either side without a pause."""
        known = self._on_both() or self._alive()
        for _ in range(self._chance.randint(4, 9)):
            if known is None or known.gone:
                return
            side = Side.ADVO if self._betnr(known) and self._chance.random() < 0.5 else Side.ESPO
            await self._edit(side, known)

    async def _edit_what_advoware_leads(self) -> None:
        if known := self._on_both():
            side = self._chance.choice(list(Side))
            await self.save(side, known, **{self._chance.choice(ONE_WAY): self.word(known)})

    async def _save_without_a_change(self) -> None:
        if known := self._alive():
            await self.save(Side.ESPO, known)

    async def _delete_in_espocrm(self) -> None:
        if (known := self._alive()) and len(self.linked()) > FIRST // 2:
            known.gone.add(Side.ESPO)
            await self._world.as_anna("DELETE", f"/{known.espo_id}")
            self.done += 1

    async def _delete_at_a_desk(self) -> None:
        if (known := self._on_both()) and (betnr := self._betnr(known)) and len(self.linked()) > FIRST // 2:
            known.gone.add(Side.ADVO)
            await self._world.at_desk("DELETE", betnr)
            self.done += 1


def typed(side: Side, fresh: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """The values in the names and the spelling of one side."""
    if side is Side.ESPO:
        return {espo: value for espo, (_, value) in fresh.items()}
    return {
        advo: f"{value}T00:00:00" if advo == "geburtsdatum" else ("" if value is None else value)
        for advo, value in fresh.values()
    }
